package pusher_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/pusher"
)

// nodeMasterKey is the key of pusher-http-node's tests.
const nodeMasterKey = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="

func TestEncode_Encrypted(t *testing.T) {
	client, server := serve(t, respond(200, "{}"), pusher.WithEncryptionMasterKey(nodeMasterKey))
	key, err := encryption.ParseMasterKey(nodeMasterKey)
	if err != nil {
		t.Fatal(err)
	}
	_, single := client.Trigger(t.Context(), "private-encrypted-bla", "e", map[string]string{"a": "<b>"})
	_, batch := client.TriggerBatch(t.Context(), []pusher.Event{
		{Channel: "private-encrypted-bla", Name: "e", Data: "secret"},
		{Channel: "private-open", Name: "e", Data: "readable"},
	})
	requests := server.requests()
	if err := errors.Join(single, batch); err != nil || len(requests) != 2 {
		t.Fatalf("Trigger and TriggerBatch = %v after %d requests, want no error after 2", err, len(requests))
	}
	for i, want := range [][]string{{`{"a":"<b>"}`}, {"secret", "readable"}} {
		for j, data := range dataOf(t, requests[i]) {
			text := []byte(data)
			if j == 0 {
				if text, err = key.Decrypt("private-encrypted-bla", text); err != nil {
					t.Errorf("the data sent on private-encrypted-bla cannot be decrypted: %v", err)
				}
			}
			if string(text) != want[j] || j == 0 && strings.Contains(requests[i].body, want[j]) {
				t.Errorf("sent %s with the data %s, want %s, only the first encrypted", requests[i].body, text, want[j])
			}
		}
	}
}

// dataOf returns the data of the events in a request.
func dataOf(t *testing.T, r received) []string {
	t.Helper()
	var body struct {
		Data  string
		Batch []struct{ Data string }
	}
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatal(err)
	}
	if body.Batch == nil {
		return []string{body.Data}
	}
	var data []string
	for _, event := range body.Batch {
		data = append(data, event.Data)
	}
	return data
}

// TestEncode_EncryptedLimit checks that the limit applies to the encrypted data:
// {"nonce":"…","ciphertext":"…"} with 4 characters for every 3 bytes.
func TestEncode_EncryptedLimit(t *testing.T) {
	client, server := serve(t, respond(200, "{}"), pusher.WithEncryptionMasterKey(nodeMasterKey))
	n := 0 // the first length that is too large
	for encryption.EncryptedLength(n) <= 10240 {
		n++
	}
	if _, err := client.Trigger(t.Context(), "private-encrypted-bla", "e", strings.Repeat("x", n)); !errors.Is(err, pusher.ErrTooLarge) || len(server.requests()) != 0 {
		t.Errorf("Trigger of %d bytes that become more than 10,240 = %v, want %v and no request", n, err, pusher.ErrTooLarge)
	}
	if _, err := client.Trigger(t.Context(), "private-encrypted-bla", "e", strings.Repeat("x", n-1)); err != nil {
		t.Fatalf("Trigger of %d bytes = %v, want no error", n-1, err)
	}
	if data := dataOf(t, server.requests()[0])[0]; len(data) > 10240 {
		t.Errorf("%d bytes were sent, want at most 10,240", len(data))
	}
}
