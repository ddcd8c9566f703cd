package webhook_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/openchannels/pusher-go/webhook"
)

func TestSignedHeader(t *testing.T) {
	got := webhook.SignedHeader(docsKey, docsSecret, []byte(docsBody))
	want := http.Header{
		"Content-Type":       {"application/json"},
		"X-Pusher-Key":       {docsKey},
		"X-Pusher-Signature": {docsSignature},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("SignedHeader(%q, ..., %q) = %v, want %v", docsKey, docsBody, got, want)
	}
}
