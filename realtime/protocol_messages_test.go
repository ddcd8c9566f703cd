package realtime_test

import (
	"context"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/realtime"
)

// Whatever the server sends, nothing panics, and events are valid.
func FuzzChannel_Receive(f *testing.F) {
	for _, seed := range []string{
		message("presence-x", "e", `{"a":1}`), succeeded("presence-x"), "not JSON", "null", "[]", "7",
		`{"event":"pusher_internal:member_added","channel":"presence-x","data":{"user_id":7,"user_info":{"n":1}}}`,
		`{"event":"pusher_internal:member_removed","channel":"presence-x","data":"{\"user_id\":\"7\"}"}`,
		`{"event":"pusher_internal:subscription_count","channel":"presence-x","data":"{\"subscription_count\":13}"}`,
		`{"event":"pusher_internal:watchlist_events","data":"{\"events\":[{\"name\":\"online\"}]}"}`,
		`{"event":"pusher:signin_success","data":{"user_data":{"id":"7"}}}`,
		`{"event":"pusher:error","data":{"message":"x","code":4301}}`, `{"event":"pusher:error","data":"x"}`,
		`{"event":"pusher:ping"}`, `{"event":"pusher:cache_miss","channel":"presence-x"}`,
		"{\"event\":\"e\",\"channel\":\"presence-x\",\"data\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		channel := realtime.NewLocalChannel("presence-x")
		if channel.Receive([]byte(`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":{}}`)) != nil {
			t.Fatal("not a message")
		}
		if channel.Receive(frame) != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
		defer cancel()
		if event, err := channel.Next(ctx); err == nil && (event.Kind == 0 || event.Channel != "presence-x" || !utf8.ValidString(event.Name+event.UserID)) {
			t.Errorf("got %+v", event)
		}
		channel.Members()
	})
}
