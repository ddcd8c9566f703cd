package official

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	official "github.com/pusher/pusher-http-go/v5"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/webhook"
)

const (
	appID  = "3"
	key    = "278d425bdf160c739803"
	secret = "7ad3773142a6692b25b8"
	data   = `{"product":"tea","cents":349,"note":"about a hundred bytes, which is what many apps send in an event"}`
)

var masterKey = base64.StdEncoding.EncodeToString([]byte("This is a string that is 32 chars"[:32]))

// response is a RoundTripper that returns this body.
type response string

func (r response) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
	}
	return &http.Response{
		StatusCode:    http.StatusOK,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(strings.NewReader(string(r))),
		ContentLength: int64(len(r)),
		Request:       req,
	}, nil
}

func newClient(b *testing.B, body string) *pusher.Client {
	b.Helper()
	client, err := pusher.New(pusher.Credentials{AppID: appID, Key: key, Secret: secret},
		pusher.WithCluster("eu"),
		pusher.WithEncryptionMasterKey(masterKey),
		pusher.WithHTTPClient(&http.Client{Transport: response(body)}),
	)
	if err != nil {
		b.Fatal(err)
	}
	return client
}

func newOfficial(body string) *official.Client {
	return &official.Client{
		AppID: appID, Key: key, Secret: secret, Cluster: "eu", Secure: true,
		EncryptionMasterKeyBase64: masterKey,
		HTTPClient:                &http.Client{Transport: response(body)},
	}
}

// run measures a call.
func run(b *testing.B, call func() error) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
}

// promise measures a call and reports its maximum ratio to the official library.
func promise(b *testing.B, maxRatio float64, call func() error) {
	b.Helper()
	run(b, call)
	b.ReportMetric(maxRatio, "max-ratio")
}

func wantCount(got, want int) error {
	if got != want {
		return fmt.Errorf("received %d entries, want %d", got, want)
	}
	return nil
}

// The lists have 1,000 entries, in the two forms in which Pusher sends channels.

var channelLists = []struct{ name, body string }{
	{"names", list(`{"channels":{`, `"presence-room-%d":{}`, `}}`)},
	{"user_count", list(`{"channels":{`, `"presence-room-%d":{"user_count":12}`, `}}`)},
}

var userList = list(`{"users":[`, `{"id":"user-%d"}`, `]}`)

func list(start, entry, end string) string {
	entries := make([]string, 1000)
	for i := range entries {
		entries[i] = fmt.Sprintf(entry, i)
	}
	return start + strings.Join(entries, ",") + end
}

func BenchmarkChannels(b *testing.B) {
	for _, list := range channelLists {
		b.Run(list.name, func(b *testing.B) {
			client := newClient(b, list.body)
			params := pusher.ChannelsParams{FilterByPrefix: "presence-", Info: []pusher.Attribute{pusher.UserCount}}
			promise(b, 1.15, func() error {
				channels, err := client.Channels(context.Background(), params)
				if err != nil {
					return err
				}
				return wantCount(len(channels.Channels), 1000)
			})
		})
	}
}

func BenchmarkFloorChannels(b *testing.B) {
	for _, list := range channelLists {
		b.Run(list.name, func(b *testing.B) {
			client := newOfficial(list.body)
			prefix, info := "presence-", "user_count"
			params := official.ChannelsParams{FilterByPrefix: &prefix, Info: &info}
			run(b, func() error {
				channels, err := client.Channels(params)
				if err != nil {
					return err
				}
				return wantCount(len(channels.Channels), 1000)
			})
		})
	}
}

func BenchmarkUsers(b *testing.B) {
	client := newClient(b, userList)
	promise(b, 1.15, func() error {
		users, err := client.ChannelUsers(context.Background(), "presence-room")
		if err != nil {
			return err
		}
		return wantCount(len(users.Users), 1000)
	})
}

func BenchmarkFloorUsers(b *testing.B) {
	client := newOfficial(userList)
	run(b, func() error {
		users, err := client.GetChannelUsers("presence-room")
		if err != nil {
			return err
		}
		return wantCount(len(users.List), 1000)
	})
}

var webhookBody = []byte(`{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"},{"name":"member_added","channel":"presence-your_channel_name","user_id":"a_user_id"}]}`)

func BenchmarkWebhook(b *testing.B) {
	verifier, err := webhook.New(key, secret)
	if err != nil {
		b.Fatal(err)
	}
	header := webhookHeader()
	promise(b, 1.15, func() error {
		hook, err := verifier.ParseBytes(header, webhookBody)
		if err != nil {
			return err
		}
		return wantCount(len(hook.Events), 2)
	})
}

func BenchmarkFloorWebhook(b *testing.B) {
	client := newOfficial("")
	header := webhookHeader()
	run(b, func() error {
		hook, err := client.Webhook(header, webhookBody)
		if err != nil {
			return err
		}
		return wantCount(len(hook.Events), 2)
	})
}

func BenchmarkTrigger(b *testing.B) {
	client := newClient(b, "{}")
	promise(b, 1.15, func() error {
		_, err := client.Trigger(context.Background(), "prices", "price-changed", data)
		return err
	})
}

func BenchmarkFloorTrigger(b *testing.B) {
	client := newOfficial("{}")
	run(b, func() error { return client.Trigger("prices", "price-changed", data) })
}

func BenchmarkBatch(b *testing.B) {
	client := newClient(b, "{}")
	events := make([]pusher.Event, 10)
	for i := range events {
		events[i] = pusher.Event{Channel: fmt.Sprintf("prices-%d", i), Name: "price-changed", Data: data}
	}
	promise(b, 1.15, func() error {
		_, err := client.TriggerBatch(context.Background(), events)
		return err
	})
}

func BenchmarkFloorBatch(b *testing.B) {
	client := newOfficial("{}")
	events := make([]official.Event, 10)
	for i := range events {
		events[i] = official.Event{Channel: fmt.Sprintf("prices-%d", i), Name: "price-changed", Data: data}
	}
	run(b, func() error {
		_, err := client.TriggerBatch(events)
		return err
	})
}

func BenchmarkEncrypted(b *testing.B) {
	client := newClient(b, "{}")
	promise(b, 1.15, func() error {
		_, err := client.Trigger(context.Background(), "private-encrypted-prices", "price-changed", data)
		return err
	})
}

func BenchmarkFloorEncrypted(b *testing.B) {
	client := newOfficial("{}")
	run(b, func() error { return client.Trigger("private-encrypted-prices", "price-changed", data) })
}

// authorize does with the request of a browser what the official library's methods do:
// it reads the form and encodes the response.
func authorize(form []byte, authorization func(socketID, channel string) (*auth.ChannelAuthorization, error)) error {
	values, err := url.ParseQuery(string(form))
	if err != nil {
		return err
	}
	result, err := authorization(values.Get("socket_id"), values.Get("channel_name"))
	if err != nil {
		return err
	}
	_, err = json.Marshal(result)
	return err
}

var (
	privateForm  = []byte("socket_id=1234.1234&channel_name=private-orders")
	presenceForm = []byte("socket_id=1234.1234&channel_name=presence-lobby")
)

func newAuthorizer(b *testing.B) *auth.Authorizer {
	b.Helper()
	authorizer, err := auth.New(key, secret)
	if err != nil {
		b.Fatal(err)
	}
	return authorizer
}

func BenchmarkPrivate(b *testing.B) {
	authorizer := newAuthorizer(b)
	promise(b, 1, func() error { return authorize(privateForm, authorizer.AuthorizePrivate) })
}

func BenchmarkFloorPrivate(b *testing.B) {
	client := newOfficial("")
	run(b, func() error {
		_, err := client.AuthorizePrivateChannel(privateForm)
		return err
	})
}

func BenchmarkPresence(b *testing.B) {
	authorizer := newAuthorizer(b)
	member := auth.Member{UserID: "10", UserInfo: map[string]string{"name": "Ada"}}
	promise(b, 1, func() error {
		return authorize(presenceForm, func(socketID, channel string) (*auth.ChannelAuthorization, error) {
			return authorizer.AuthorizePresence(socketID, channel, member)
		})
	})
}

func BenchmarkFloorPresence(b *testing.B) {
	client := newOfficial("")
	member := official.MemberData{UserID: "10", UserInfo: map[string]string{"name": "Ada"}}
	run(b, func() error {
		_, err := client.AuthorizePresenceChannel(presenceForm, member)
		return err
	})
}

// loopback starts a server that accepts every event after a delay, and returns its host
// and port.
func loopback(b *testing.B, delay time.Duration) string {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(delay)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}))
	b.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// concurrently divides the iterations among 64 goroutines.
func concurrently(b *testing.B, call func() error) {
	b.Helper()
	b.ReportAllocs()
	var started atomic.Int64
	var running sync.WaitGroup
	b.ResetTimer()
	for range 64 {
		running.Go(func() {
			for started.Add(1) <= int64(b.N) {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
}

func BenchmarkConcurrentTriggers(b *testing.B) {
	client, err := pusher.New(pusher.Credentials{AppID: appID, Key: key, Secret: secret}, pusher.WithBaseURL("http://"+loopback(b, 0)))
	if err != nil {
		b.Fatal(err)
	}
	concurrently(b, func() error {
		_, err := client.Trigger(context.Background(), "prices", "price-changed", data)
		return err
	})
	b.ReportMetric(0.6, "max-ratio")
}

func BenchmarkFloorConcurrentTriggers(b *testing.B) {
	client := &official.Client{AppID: appID, Key: key, Secret: secret, Host: loopback(b, 0)}
	concurrently(b, func() error { return client.Trigger("prices", "price-changed", data) })
}

const publishedEvents = 10_000

var channels = func() (names [100]string) {
	for i := range names {
		names[i] = fmt.Sprint("channel-", i)
	}
	return names
}()

// A publisher, and batches of ten that are sent one after the other, which keep the
// order of events as well: with a server that responds at once, so that the processors
// are the limit, and with one that needs a millisecond.
var publishDelays = []struct {
	name     string
	delay    time.Duration
	maxRatio float64
}{{"0ms", 0, 1}, {"1ms", time.Millisecond, 1 / 1.5}}

func BenchmarkPublisher(b *testing.B) {
	for _, tt := range publishDelays {
		b.Run(tt.name, func(b *testing.B) { publishMany(b, tt.delay, tt.maxRatio) })
	}
}

func BenchmarkFloorPublisher(b *testing.B) {
	for _, tt := range publishDelays {
		b.Run(tt.name, func(b *testing.B) { batchMany(b, tt.delay) })
	}
}

func publishMany(b *testing.B, delay time.Duration, maxRatio float64) {
	client, err := pusher.New(pusher.Credentials{AppID: appID, Key: key, Secret: secret}, pusher.WithBaseURL("http://"+loopback(b, delay)))
	if err != nil {
		b.Fatal(err)
	}
	publisher, err := client.NewPublisher(pusher.PublisherConfig{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = publisher.Close(context.Background()) }()
	promise(b, maxRatio, func() error {
		for i := range publishedEvents {
			event := pusher.Event{Channel: channels[i%len(channels)], Name: "price-changed", Data: data}
			if err := publisher.Publish(context.Background(), event); err != nil {
				return err
			}
		}
		return publisher.Flush(context.Background())
	})
}

func batchMany(b *testing.B, delay time.Duration) {
	client := &official.Client{AppID: appID, Key: key, Secret: secret, Host: loopback(b, delay)}
	run(b, func() error {
		for i := 0; i < publishedEvents; i += 10 {
			batch := make([]official.Event, 10)
			for j := range batch {
				batch[j] = official.Event{Channel: channels[(i+j)%len(channels)], Name: "price-changed", Data: data}
			}
			if _, err := client.TriggerBatch(batch); err != nil {
				return err
			}
		}
		return nil
	})
}

// webhookHeader returns the header of a webhook as an app behind a proxy receives it.
func webhookHeader() http.Header {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(webhookBody)
	return http.Header{
		"Accept":             {"*/*"},
		"Content-Type":       {"application/json"},
		"User-Agent":         {"PusherWebhooks"},
		"X-Forwarded-For":    {"192.0.2.1"},
		"X-Forwarded-Proto":  {"https"},
		"X-Pusher-Key":       {key},
		"X-Pusher-Signature": {hex.EncodeToString(mac.Sum(nil))},
	}
}
