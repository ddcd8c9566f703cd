package pusher_test

import (
	"context"
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
	ctx := context.Background()
	client, last := recordingServer(t, pusher.WithEncryptionMasterKey(nodeMasterKey))
	key, err := encryption.ParseMasterKey(nodeMasterKey)
	if err != nil {
		t.Fatal(err)
	}
	decrypt := func(channel, data string) string {
		t.Helper()
		text, err := key.Decrypt(channel, []byte(data))
		if err != nil {
			t.Errorf("the data sent on %s cannot be decrypted: %v", channel, err)
		}
		return string(text)
	}

	if _, err := client.Trigger(ctx, "private-encrypted-bla", "e", map[string]string{"a": "<b>"}); err != nil {
		t.Fatalf("Trigger: %v", err)
	}
	var event struct{ Data string }
	if err := json.Unmarshal([]byte(last.body), &event); err != nil {
		t.Fatal(err)
	}
	if got, want := decrypt("private-encrypted-bla", event.Data), `{"a":"<b>"}`; got != want || strings.Contains(last.body, "<b>") {
		t.Errorf("Trigger sent %s, which decrypts to %s, want %s", last.body, got, want)
	}

	_, err = client.TriggerBatch(ctx, []pusher.Event{
		{Channel: "private-encrypted-bla", Name: "e", Data: "encrypted"},
		{Channel: "private-open", Name: "e", Data: "readable"},
	})
	if err != nil {
		t.Fatalf("TriggerBatch: %v", err)
	}
	var batch struct{ Batch []struct{ Data string } }
	if err := json.Unmarshal([]byte(last.body), &batch); err != nil {
		t.Fatal(err)
	}
	if got := decrypt("private-encrypted-bla", batch.Batch[0].Data); got != "encrypted" || batch.Batch[1].Data != "readable" {
		t.Errorf("TriggerBatch sent %s, want only the first event encrypted", last.body)
	}
}

// TestEncode_EncryptedLimit checks that the limit applies to the encrypted data:
// {"nonce":"…","ciphertext":"…"} with 4 characters for every 3 bytes.
func TestEncode_EncryptedLimit(t *testing.T) {
	client, last := recordingServer(t, pusher.WithEncryptionMasterKey(nodeMasterKey))
	largest := encryption.EncryptedLength(0)
	n := 0
	for ; largest <= 10240; n++ {
		largest = encryption.EncryptedLength(n + 1)
	}
	if _, err := client.Trigger(context.Background(), "private-encrypted-bla", "e", strings.Repeat("x", n)); !errors.Is(err, pusher.ErrTooLarge) {
		t.Errorf("Trigger of %d bytes that become more than 10,240 = %v, want %v", n, err, pusher.ErrTooLarge)
	}
	if *last != (sent{}) {
		t.Errorf("the event was sent: %+v", *last)
	}
	if _, err := client.Trigger(context.Background(), "private-encrypted-bla", "e", strings.Repeat("x", n-1)); err != nil {
		t.Errorf("Trigger of %d bytes = %v, want no error", n-1, err)
	}
	var event struct{ Data string }
	if err := json.Unmarshal([]byte(last.body), &event); err != nil || len(event.Data) > 10240 {
		t.Errorf("%d bytes were sent, error %v; want at most 10,240", len(event.Data), err)
	}
}
