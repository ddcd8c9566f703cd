package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
)

type profile struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Admin bool   `json:"admin"`
}

var ann = profile{Name: "Ann Lee", Email: "ann@example.com"}

// Floor: the keyed HMAC over the text that AuthorizePrivate signs.
func BenchmarkFloorPrivate(b *testing.B) {
	mac := hmac.New(sha256.New, []byte(docsSecret))
	message := []byte("1234.1234:private-foobar")
	var sum []byte
	b.ReportAllocs()
	for b.Loop() {
		mac.Reset()
		mac.Write(message)
		sum = mac.Sum(sum[:0])
	}
}

func BenchmarkAuthorizePrivate(b *testing.B) {
	a := newAuthorizer(b, docsKey, docsSecret)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.AuthorizePrivate("1234.1234", "private-foobar"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(3.5, "max-ratio")
}

func BenchmarkAuthorizeEncrypted(b *testing.B) {
	a := newAuthorizer(b, docsKey, docsSecret, auth.WithEncryptionMasterKey(nodeMasterKey))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.AuthorizePrivate("1234.1234", "private-encrypted-foobar"); err != nil {
			b.Fatal(err)
		}
	}
}

// Floor: the keyed HMAC over the text that AuthorizePresence signs, and the JSON
// of the member.
func BenchmarkFloorPresence(b *testing.B) {
	type data struct {
		UserID   string `json:"user_id"`
		UserInfo any    `json:"user_info,omitempty"`
	}
	mac := hmac.New(sha256.New, []byte(docsSecret))
	message := []byte(`1234.1234:presence-foobar:{"user_id":"12345","user_info":{"name":"Ann Lee","email":"ann@example.com","admin":false}}`)
	var sum []byte
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(data{"12345", ann}); err != nil {
			b.Fatal(err)
		}
		mac.Reset()
		mac.Write(message)
		sum = mac.Sum(sum[:0])
	}
}

func BenchmarkAuthorizePresence(b *testing.B) {
	a := newAuthorizer(b, docsKey, docsSecret)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.AuthorizePresence("1234.1234", "presence-foobar", auth.Member{UserID: "12345", UserInfo: ann}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(3, "max-ratio")
}

func BenchmarkAuthenticateUser(b *testing.B) {
	a := newAuthorizer(b, docsKey, docsSecret)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.AuthenticateUser("1234.1234", auth.User{ID: "12345", Info: ann}); err != nil {
			b.Fatal(err)
		}
	}
}

// Floor: a handler that reads the form and writes a response of the same size.
func BenchmarkFloorHandler(b *testing.B) {
	benchmarkHandler(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("channel_name") == "" {
			http.Error(w, "no channel", http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(docsResponse))
	}))
}

func BenchmarkChannelHandler(b *testing.B) {
	benchmarkHandler(b, newAuthorizer(b, docsKey, docsSecret).ChannelHandler(allowAll))
}

func benchmarkHandler(b *testing.B, handler http.Handler) {
	b.ReportAllocs()
	for b.Loop() {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("socket_id=1234.1234&channel_name=private-foobar"))
		request.Header.Set("Content-Type", formType)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != http.StatusOK {
			b.Fatal(recorder.Code)
		}
	}
}
