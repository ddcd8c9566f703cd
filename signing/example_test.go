package signing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/signing"
)

func ExampleNew() {
	_, err := signing.New("278d425bdf160c739803", "7ad3773142a6692b25b8\n")
	fmt.Println(errors.Is(err, signing.ErrConfiguration))
	fmt.Println(err)
	// Output:
	// true
	// signing: invalid configuration: the secret contains a space or a non-printable character
}

// The generated client of package gen signs its requests with a Signer and needs
// nothing else of this module. The signer is the last request editor.
func ExampleSigner_Edit_generatedClient() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secretOf := func(string) *signing.Secret { return signing.NewSecret("your-secret") }
		if err := signing.Verify(r, nil, secretOf, time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"channels":{"presence-lobby":{"user_count":3}}}`)
	}))
	defer server.Close()

	signer, err := signing.New("your-key", "your-secret")
	if err != nil {
		log.Fatal(err)
	}
	client, err := gen.NewClientWithResponses(server.URL, gen.WithRequestEditorFn(signer.Edit))
	if err != nil {
		log.Fatal(err)
	}
	prefix := "presence-"
	response, err := client.ListChannelsWithResponse(context.Background(), "42", &gen.ListChannelsParams{FilterByPrefix: &prefix})
	if err != nil {
		log.Fatal(err)
	}
	if response.JSON200 == nil {
		log.Fatal(response.Status())
	}
	for name, channel := range response.JSON200.Channels {
		fmt.Println(name, *channel.UserCount)
	}
	// Output: presence-lobby 3
}

// The request is the worked example of Pusher's documentation.
func ExampleSigner_Edit() {
	signer, err := signing.New("278d425bdf160c739803", "7ad3773142a6692b25b8",
		signing.WithClock(func() time.Time { return time.Unix(1353088179, 0) })) // without it: the current time
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	body := `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`
	req, err := http.NewRequestWithContext(ctx, "POST", "https://api-mt1.pusher.com/apps/3/events", strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	if err := signer.Edit(ctx, req); err != nil {
		log.Fatal(err)
	}
	for _, parameter := range strings.Split(req.URL.RawQuery, "&") {
		fmt.Println(parameter)
	}
	// Output:
	// auth_key=278d425bdf160c739803
	// auth_timestamp=1353088179
	// auth_version=1.0
	// body_md5=ec365a775a4cd0599faeb73354201b6f
	// auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c
}

func ExampleStringToSign() {
	fmt.Println(signing.StringToSign("get", "/apps/3/channels", url.Values{
		"filter_by_prefix": {"presence-"},
		"auth_key":         {"278d425bdf160c739803"},
		"auth_timestamp":   {"1353088179"},
		"auth_version":     {"1.0"},
		"info":             {"user_count,subscription_count"},
	}))
	// Output:
	// GET
	// /apps/3/channels
	// auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&filter_by_prefix=presence-&info=user_count,subscription_count
}

func ExampleSignature() {
	text := "POST\n/apps/3/events\nauth_key=278d425bdf160c739803&auth_timestamp=1353088179" +
		"&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f"
	fmt.Println(signing.Signature("7ad3773142a6692b25b8", text))
	// Output: da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c
}

// A server that rejects a request with the error texts of Pusher.
func ExampleVerify() {
	app := signing.NewSecret("7ad3773142a6692b25b8")
	secretOf := func(key string) *signing.Secret {
		if key != "278d425bdf160c739803" {
			return nil
		}
		return app
	}
	now := time.Date(2013, 9, 29, 8, 36, 32, 0, time.UTC)
	describe := func(r *http.Request, err error) (status int, text string) {
		var missing *signing.MissingParameterError
		var expired *signing.TimestampError
		switch {
		case errors.Is(err, signing.ErrUnknownKey):
			return http.StatusBadRequest, "Unknown auth_key"
		case errors.As(err, &missing):
			return http.StatusUnauthorized, "Missing parameter: " + missing.Name
		case errors.As(err, &expired):
			return http.StatusUnauthorized, fmt.Sprintf(
				"Timestamp expired: Given timestamp (%s) not within 600s of server time (%s)",
				expired.Given.Format(time.RFC3339), expired.Server.Format(time.RFC3339))
		case errors.Is(err, signing.ErrSignature):
			return http.StatusUnauthorized, fmt.Sprintf(
				"Invalid signature: you should have sent HmacSHA256Hex(%q, your_secret_key), but you sent %q",
				signing.StringToSign(r.Method, r.URL.EscapedPath(), r.URL.Query()),
				r.URL.Query().Get("auth_signature"))
		}
		return http.StatusUnauthorized, http.StatusText(http.StatusUnauthorized)
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		if err := signing.Verify(r, body, secretOf, now); err != nil {
			status, text := describe(r, err)
			http.Error(w, text, status)
			return
		}
		_, _ = fmt.Fprintln(w, "{}")
	}

	for _, query := range []string{
		"auth_key=unknown",
		"auth_key=278d425bdf160c739803",
		"auth_key=278d425bdf160c739803&auth_version=1.0&auth_timestamp=1380444393",
		"auth_key=278d425bdf160c739803&auth_version=1.0&auth_timestamp=1380443792&auth_signature=guess",
	} {
		response := httptest.NewRecorder()
		handler(response, httptest.NewRequest("GET", "/apps/3/channels?"+query, nil))
		fmt.Print(response.Code, " ", response.Body)
	}
	// Output:
	// 400 Unknown auth_key
	// 401 Missing parameter: auth_version
	// 401 Timestamp expired: Given timestamp (2013-09-29T08:46:33Z) not within 600s of server time (2013-09-29T08:36:32Z)
	// 401 Invalid signature: you should have sent HmacSHA256Hex("GET\n/apps/3/channels\nauth_key=278d425bdf160c739803&auth_timestamp=1380443792&auth_version=1.0", your_secret_key), but you sent "guess"
}

func ExampleNewSecret() {
	secret := signing.NewSecret("7ad3773142a6692b25b8")
	fmt.Printf("%v %+v %#v %s\n", secret, secret, secret, secret)
	// Output: [REDACTED] [REDACTED] [REDACTED] [REDACTED]
}

func ExampleSecret_Sign() {
	secret := signing.NewSecret("7ad3773142a6692b25b8")
	fmt.Println(secret.Sign([]byte("1234.1234:private-foobar")))
	// Output: 58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4
}

func ExampleSecret_AppendSign() {
	secret := signing.NewSecret("7ad3773142a6692b25b8")
	auth := secret.AppendSign([]byte("278d425bdf160c739803:"), []byte("1234.1234:private-foobar"))
	fmt.Println(string(auth))
	// Output: 278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4
}

func ExampleSecret_Verify() {
	secret := signing.NewSecret("7ad3773142a6692b25b8")
	signature := "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
	fmt.Println(secret.Verify([]byte("1234.1234:private-foobar"), signature))
	fmt.Println(secret.Verify([]byte("1234.1234:private-other"), signature))
	// Output:
	// true
	// false
}

func ExampleCheckCredentials() {
	err := signing.CheckCredentials("", "7ad3773142a6692b25b8\n")
	fmt.Println(errors.Is(err, signing.ErrConfiguration))
	fmt.Println(err)
	// Output:
	// true
	// the key is empty; the secret contains a space or a non-printable character
}

func ExampleIsAuthParameter() {
	fmt.Println(signing.IsAuthParameter("auth_key"), signing.IsAuthParameter("Body_MD5"), signing.IsAuthParameter("info"))
	// Output: true true false
}
