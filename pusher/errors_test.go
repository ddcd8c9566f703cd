package pusher_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/openchannels/pusher-go/gen"
	"github.com/openchannels/pusher-go/pusher"
)

// TestError_Op checks that text of the caller in Op and in log lines is truncated and
// has no control characters.
func TestError_Op(t *testing.T) {
	name := "a\nb\x1b[31m\u0085" + strings.Repeat("é", 2000)
	tests := []struct {
		name string
		call func(*pusher.Client) error
		want string // prefix of Op
	}{
		{"API: channel", func(c *pusher.Client) error {
			return errorOf(c.API().GetChannelWithResponse(t.Context(), c.AppID(), name, &gen.GetChannelParams{}))
		}, "GET /apps/3/channels/a b [31m é"},
		{"API: app ID", func(c *pusher.Client) error {
			return errorOf(c.API().TriggerEventWithResponse(t.Context(), name, gen.TriggerRequest{Name: "e", Channels: []string{"c"}, Data: "d"}))
		}, "POST /apps/a b [31m é"},
		{"Get: rejected path", func(c *pusher.Client) error { return errorOf(c.Get(t.Context(), name, nil)) }, "Get"},
		{"Get: sent path", func(c *pusher.Client) error {
			return errorOf(c.Get(t.Context(), "/"+strings.Repeat("é", 2000), nil))
		}, "Get"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines logs
			client := newClient(t, over(respond(503, "")), lines.option(), pusher.WithRetry(pusher.Retry{Attempts: 2, BaseDelay: 1}))
			err := tt.call(client)
			var e *pusher.Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v, want a %T", err, e)
			}
			if !strings.HasPrefix(e.Op, tt.want) || len(e.Op) > 200 || strings.ContainsFunc(e.Op, unicode.IsControl) {
				t.Errorf("Op = %q (%d bytes), want %q with at most 200 bytes and no control characters", e.Op, len(e.Op), tt.want)
			}
			if text := err.Error(); len(text) > 1000 || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("error %q (%d bytes), want at most 1000 bytes and no control characters", text, len(text))
			}
			for line := range strings.Lines(lines.String()) {
				if len(line) > 2000 {
					t.Errorf("log line of %d bytes, want at most 2000: %.100s", len(line), line)
				}
			}
		})
	}
}

// asyncHandler formats logged errors on another goroutine, as handlers with a queue do.
// The race detector reports errors that are modified meanwhile.
type asyncHandler struct {
	slog.Handler
	mu      sync.Mutex
	running sync.WaitGroup
	errs    []error
	texts   []string // of errs, when they were logged
}

func (h *asyncHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *asyncHandler) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(attr slog.Attr) bool {
		if err, ok := attr.Value.Any().(error); ok {
			h.record(err)
		}
		return true
	})
	return nil
}

func (h *asyncHandler) record(err error) {
	h.mu.Lock()
	h.errs, h.texts = append(h.errs, err), append(h.texts, err.Error())
	h.mu.Unlock()
	h.running.Go(func() {
		for range 100 {
			_ = err.Error()
			runtime.Gosched()
		}
	})
}

// observe records the errors that an observer receives.
func (h *asyncHandler) observe(ctx context.Context, _ pusher.OperationStart) (context.Context, func(pusher.OperationEnd)) {
	return ctx, func(end pusher.OperationEnd) {
		if end.Err != nil {
			h.record(end.Err)
		}
	}
}

// TestError_Immutable checks errors that are logged or observed before they
// are returned.
func TestError_Immutable(t *testing.T) {
	tests := []struct {
		name string
		call func(context.Context, *pusher.Client) error
	}{
		{"retried", func(ctx context.Context, c *pusher.Client) error {
			return errorOf(c.Channels(ctx, pusher.ChannelsParams{}))
		}},
		{"canceled during the delay", func(ctx context.Context, c *pusher.Client) error {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Millisecond, cancel)
			_, err := c.ChannelInfo(ctx, "c")
			return err
		}},
		{"asynchronous call", func(ctx context.Context, c *pusher.Client) error {
			_, err := c.GetAsync(ctx, "/channels", nil).Wait(ctx)
			return errors.Join(err, c.Close(ctx))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				handler := &asyncHandler{Handler: slog.DiscardHandler}
				client := newClient(t, pusher.WithLogger(slog.New(handler)), pusher.WithRetry(pusher.Retry{}), pusher.WithObserver(handler.observe),
					over(respond(503, "busy", "Retry-After", "1")))
				if err := tt.call(context.Background(), client); !errors.Is(err, pusher.ErrServer) {
					t.Errorf("call = %v, want %v", err, pusher.ErrServer)
				}
				handler.running.Wait()
				if len(handler.errs) == 0 {
					t.Error("no error was logged or observed")
				}
				for i, err := range handler.errs {
					if err.Error() != handler.texts[i] {
						t.Errorf("the error %q was modified to %q", handler.texts[i], err)
					}
				}
			})
		})
	}
}

// An error is also the more general one.
func TestError_Is(t *testing.T) {
	tests := []struct {
		status        int
		body          string
		want, general error
	}{
		{400, "Cannot retrieve the subscription count because subscription counting is not enabled\n", pusher.ErrAttributeDisabled, pusher.ErrInvalid},
		{413, "", pusher.ErrTooLarge, pusher.ErrInvalid},
		{400, "Unknown auth_key\n", pusher.ErrUnknownKey, pusher.ErrAuthentication},
		{401, "Timestamp expired: Given timestamp (2013-09-29T08:46:33Z) not within 600s of server time (2013-09-29T08:36:32Z)\n", pusher.ErrClockSkew, pusher.ErrAuthentication},
	}
	for _, tt := range tests {
		_, err := newClient(t, over(respond(tt.status, tt.body))).ChannelInfo(t.Context(), "c", pusher.SubscriptionCount)
		if !errors.Is(err, tt.want) || !errors.Is(err, tt.general) {
			t.Errorf("ChannelInfo = %v, want %v and %v", err, tt.want, tt.general)
		}
	}
}

// An error of net/http is the cause of the error of the call.
func TestError_Unwrap(t *testing.T) {
	for raw, want := range map[string]error{
		"": io.EOF,
		"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{":                   io.ErrUnexpectedEOF,
		"HTTP/1.1 202 OK\r\nContent-Length: 99\r\n\r\n":                    io.ErrUnexpectedEOF,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n": io.ErrUnexpectedEOF,
	} {
		server := newFaultServer(t, tcpNetwork{}, sendRaw(raw))
		_, err := server.client().Channels(t.Context(), pusher.ChannelsParams{})
		server.shutDown()
		if !errors.Is(err, pusher.ErrTransport) || !errors.Is(err, want) {
			t.Errorf("Channels with the response %q = %v, want %v and %v", raw, err, pusher.ErrTransport, want)
		}
	}
}

// An error without a Kind has the kind that its status and message imply, for mocks.
func TestError_Kind(t *testing.T) {
	tests := []struct {
		err  pusher.Error
		want error
	}{
		{pusher.Error{Status: 400}, pusher.ErrInvalid},
		{pusher.Error{Status: 400, Message: "Unknown auth_key"}, pusher.ErrUnknownKey},
		{pusher.Error{Status: 401}, pusher.ErrAuthentication},
		{pusher.Error{Status: 403}, pusher.ErrForbidden},
		{pusher.Error{Status: 404}, pusher.ErrNotFound},
		{pusher.Error{Status: 413}, pusher.ErrTooLarge},
		{pusher.Error{Status: 429}, pusher.ErrRateLimited},
		{pusher.Error{Status: 500}, pusher.ErrServer},
		{pusher.Error{Status: 500, Kind: pusher.ErrForbidden}, pusher.ErrForbidden},
		{pusher.Error{Kind: pusher.ErrTLS}, pusher.ErrTLS},
		{pusher.Error{Message: "Unknown auth_key"}, nil},
		{pusher.Error{}, nil},
	}
	for _, tt := range tests {
		if got := kindOf(&tt.err); got != tt.want {
			t.Errorf("%+v is %v, want %v", tt.err, got, tt.want)
		}
	}
	if text, want := (&pusher.Error{Op: "Trigger", Status: 429}).Error(), "pusher: Trigger: rate limited: status 429"; text != want {
		t.Errorf("Error() = %q, want %q", text, want)
	}
}
