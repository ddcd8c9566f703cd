package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/webhook"
)

// The endpoint to configure as the webhook URL in Pusher's dashboard.
func Example() {
	verifier, err := webhook.New("your-key", "your-secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("POST /pusher/webhooks", verifier.Handler(func(ctx context.Context, hook *webhook.Webhook) error {
		for _, event := range hook.Events {
			switch event := event.(type) {
			case webhook.ChannelOccupied:
				fmt.Println("Channel occupied:", event.Channel)
			case webhook.ChannelVacated:
				fmt.Println("Channel vacated:", event.Channel)
			}
		}
		return nil
	}))

	fmt.Println(post(mux, `{"time_ms":1327078148132,"events":[
		{"name":"channel_occupied","channel":"my-channel"},
		{"name":"channel_vacated","channel":"other-channel"}]}`))
	// Output:
	// Channel occupied: my-channel
	// Channel vacated: other-channel
	// 200
}

// post delivers a webhook like Pusher and returns the status of the response.
func post(handler http.Handler, body string) int {
	r := httptest.NewRequest(http.MethodPost, "/pusher/webhooks", strings.NewReader(body))
	r.Header = webhook.SignedHeader("your-key", "your-secret", []byte(body))
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	return recorder.Code
}

func ExampleNew() {
	_, err := webhook.New("your-key", "", webhook.WithMaxBytes(-1))
	fmt.Println(errors.Is(err, webhook.ErrConfiguration))
	fmt.Println(err)
	// Output:
	// true
	// webhook: invalid configuration: the secret is empty; WithMaxBytes(-1): at least 1 is required
}

// A handler of your own.
func ExampleVerifier_Parse() {
	verifier, err := webhook.New("your-key", "your-secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	endpoint := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hook, err := verifier.Parse(r)
		if err != nil {
			http.Error(w, "invalid", http.StatusUnauthorized)
			return
		}
		for _, event := range hook.Events {
			switch event := event.(type) {
			case webhook.ChannelOccupied:
				fmt.Println("Channel occupied:", event.Channel)
			case webhook.ChannelVacated:
				fmt.Println("Channel vacated:", event.Channel)
			}
		}
	})

	fmt.Println(post(endpoint, `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]}`))

	unsigned := httptest.NewRecorder()
	endpoint(unsigned, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"events":[]}`)))
	fmt.Println(unsigned.Code)
	// Output:
	// Channel occupied: my-channel
	// 200
	// 401
}

// A cloud function receives headers and body from a gateway. This webhook is signed with
// the example credentials of Pusher's documentation.
func ExampleVerifier_ParseBytes() {
	verifier, err := webhook.New("278d425bdf160c739803", "7ad3773142a6692b25b8")
	if err != nil {
		fmt.Println(err)
		return
	}
	headers := map[string][]string{
		"x-pusher-key":       {"278d425bdf160c739803"},
		"x-pusher-signature": {"c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf"},
	}
	body := []byte(`{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]}`)

	hook, err := verifier.ParseBytes(headers, body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(hook.Time.Format(time.RFC3339Nano))
	fmt.Printf("%+v\n", hook.Events)
	// Output:
	// 2012-01-20T16:49:08.132Z
	// [{Channel:my-channel}]
}

// All events have a name and a channel, so that they can be logged without a type switch.
func ExampleEvent() {
	verifier, err := webhook.New("your-key", "your-secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"time_ms":1327078148132,"events":[
		{"name":"channel_occupied","channel":"my-channel"},
		{"name":"member_added","channel":"presence-room","user_id":"ann"}]}`)
	hook, err := verifier.ParseBytes(webhook.SignedHeader("your-key", "your-secret", body), body)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, event := range hook.Events {
		fmt.Println(hook.ID[:8], event.EventName(), event.ChannelName())
	}
	// Output:
	// 1b35ff4e channel_occupied my-channel
	// 1b35ff4e member_added presence-room
}

// If the function returns an error, Pusher sends the webhook again, for up to 5 minutes.
func ExampleVerifier_Handler() {
	verifier, err := webhook.New("your-key", "your-secret", quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := verifier.Handler(func(ctx context.Context, hook *webhook.Webhook) error {
		for _, event := range hook.Events {
			switch event := event.(type) {
			case webhook.MemberAdded:
				fmt.Println(event.UserID, "joined", event.Channel)
			case webhook.SubscriptionCount:
				return errors.New("the database is down")
			default:
				fmt.Printf("%T ignored\n", event)
			}
		}
		return nil
	})

	fmt.Println(post(handler, `{"time_ms":1327078148132,"events":[
		{"name":"member_added","channel":"presence-room","user_id":"ann"},
		{"name":"cache_miss","channel":"cache-weather"}]}`))
	fmt.Println(post(handler, `{"time_ms":1327078148132,"events":[
		{"name":"subscription_count","channel":"news","subscription_count":13}]}`))
	// Output:
	// ann joined presence-room
	// webhook.CacheMiss ignored
	// 200
	// 500
}

var quiet = webhook.WithLogger(slog.New(slog.DiscardHandler))

// Tests of a handler sign their requests with SignedHeader.
func ExampleSignedHeader() {
	body := `{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]}`

	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header = webhook.SignedHeader("278d425bdf160c739803", "7ad3773142a6692b25b8", []byte(body))

	fmt.Println(r.Header.Get("X-Pusher-Key"))
	fmt.Println(r.Header.Get("X-Pusher-Signature"))
	// Output:
	// 278d425bdf160c739803
	// c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf
}

// Both keys are accepted during a rotation.
func ExampleWithKey() {
	verifier, err := webhook.New("your-key", "your-secret", webhook.WithKey("next-key", "next-secret"))
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"time_ms":1327078148132,"events":[{"name":"cache_miss","channel":"cache-weather"}]}`)
	hook, err := verifier.ParseBytes(webhook.SignedHeader("next-key", "next-secret", body), body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(hook.Events[0].EventName())
	// Output: cache_miss
}

func ExampleWithEncryptionMasterKey() {
	verifier, err := webhook.New("your-key", "your-secret",
		webhook.WithEncryptionMasterKey("zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="))
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"time_ms":1327078148132,"events":[
		{"name":"client_event","channel":"private-encrypted-bla","event":"client-x","socket_id":"1.2","data":
			"{\"nonce\":\"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\",\"ciphertext\":\"v6oIBqyvWKqii51D4fiTestVK1HaAjHtRUdc1+xCwegSLC8=\"}"},
		{"name":"client_event","channel":"private-encrypted-bla","event":"client-x","socket_id":"1.2","data":"plain"}]}`)

	hook, err := verifier.ParseBytes(webhook.SignedHeader("your-key", "your-secret", body), body)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, event := range hook.Events {
		if event, ok := event.(webhook.ClientEvent); ok {
			fmt.Println(event.Data, errors.Is(event.Err, webhook.ErrDecrypt))
		}
	}
	// Output:
	// {"message":"hello"} false
	// plain true
}

func ExampleWithMaxBytes() {
	verifier, err := webhook.New("your-key", "your-secret", webhook.WithMaxBytes(16<<10))
	if err != nil {
		fmt.Println(err)
		return
	}
	body := make([]byte, 20_000)
	_, err = verifier.ParseBytes(webhook.SignedHeader("your-key", "your-secret", body), body)
	fmt.Println(err)
	fmt.Println(errors.Is(err, webhook.ErrTooLarge))
	// Output:
	// webhook: too large: body has more than 16384 bytes, see WithMaxBytes
	// true
}

// Ten minutes are enough for the 5 minutes in which Pusher retries.
func ExampleWithMaxAge() {
	verifier, err := webhook.New("your-key", "your-secret", webhook.WithMaxAge(10*time.Minute))
	if err != nil {
		fmt.Println(err)
		return
	}
	old := []byte(`{"time_ms":1327078148132,"events":[]}`)
	_, err = verifier.ParseBytes(webhook.SignedHeader("your-key", "your-secret", old), old)
	fmt.Println(errors.Is(err, webhook.ErrTooOld))
	// Output: true
}

func ExampleWithDuplicateFilter() {
	verifier, err := webhook.New("your-key", "your-secret",
		webhook.WithDuplicateFilter(5*time.Minute, 10_000), quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := verifier.Handler(func(ctx context.Context, hook *webhook.Webhook) error {
		fmt.Println("received", len(hook.Events))
		return nil
	})
	body := `{"time_ms":1327078148132,"events":[{"name":"channel_vacated","channel":"my-channel"}]}`
	fmt.Println(post(handler, body))
	fmt.Println(post(handler, body))
	// Output:
	// received 1
	// 200
	// 200
}

func ExampleWithLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
			if attr.Key == slog.TimeKey {
				return slog.Attr{} // for a reproducible output
			}
			return attr
		},
	}))
	verifier, err := webhook.New("your-key", "your-secret", webhook.WithLogger(logger))
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := verifier.Handler(func(context.Context, *webhook.Webhook) error { return nil })
	fmt.Println(post(handler, `{"time_ms":1327078148132}`))
	// Output:
	// level=WARN msg="webhook rejected" error="webhook: malformed body: events is missing or null"
	// 400
}
