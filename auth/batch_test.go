package auth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
)

// batchForm returns a request body in the form of pusher-js-auth 4.0.1.
func batchForm(socketID string, channels ...string) string {
	form := "&socket_id=" + url.QueryEscape(socketID)
	for i, channel := range channels {
		form += fmt.Sprintf("&channel_name[%d]=%s", i, url.QueryEscape(channel))
	}
	return form
}

func TestAuthorizer_ChannelHandler_Batch(t *testing.T) {
	// The signatures were computed with openssl. The sources of the signature of
	// private-foobar and of the key of private-encrypted-bla are in channel_test.go.
	tests := []struct {
		name, body, want string
	}{
		{"one channel", batchForm("1234.1234", "private-foobar"), `{"private-foobar":{"status":200,"data":` + docsResponse + `}}`},
		{
			"two channels with other fields", batchForm("1234.1234", "private-a", "private-b") + "&csrf=1",
			`{"private-a":{"status":200,"data":{"auth":"278d425bdf160c739803:6637187b6ce97011eb51dd42365682515e4961c1ec4ae95589c42fd7de4cd3d0"}},` +
				`"private-b":{"status":200,"data":{"auth":"278d425bdf160c739803:016e6ccbc9b9d11fd5910fcdf1bcc0c4c9fa013d21089b0035ac868a7eac11db"}}}`,
		},
		{"escaped brackets", "socket_id=1234.1234&channel_name%5B0%5D=private-foobar", `{"private-foobar":{"status":200,"data":` + docsResponse + `}}`},
		{"gaps between indices", "socket_id=1234.1234&channel_name[7]=private-foobar&channel_name[1000]=private-denied", `{"private-denied":{"status":403},"private-foobar":{"status":200,"data":` + docsResponse + `}}`},
		{
			"presence channel", batchForm("1234.1234", "presence-room"),
			`{"presence-room":{"status":200,"data":{"auth":"278d425bdf160c739803:31b4d65f9f6e48d78c19d83d502139923809347b1683ef5be48686b3fd3fd742","channel_data":"{\"user_id\":\"ann\"}"}}}`,
		},
		{
			"encrypted channel", batchForm("1234.1234", "private-encrypted-bla"),
			`{"private-encrypted-bla":{"status":200,"data":{"auth":"278d425bdf160c739803:804dc185c1aa4c162482e12cac7e0e6f4d19ae02095d6232a19fece1bc8f3ba5","shared_secret":"nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ="}}}`,
		},
		{
			"each channel rejected on its own", batchForm("1234.1234", "private-denied", "public", "private-foobar", "presence-invalid", "presence-none", `presence-x:{"user_id":"admin"}`, ""),
			`{"":{"status":400},"presence-invalid":{"status":500},"presence-none":{"status":500},"presence-x:{\"user_id\":\"admin\"}":{"status":400},` +
				`"private-denied":{"status":403},"private-foobar":{"status":200,"data":` + docsResponse + `},"public":{"status":400}}`,
		},
	}
	a := newAuthorizer(t, docsKey, docsSecret, auth.WithEncryptionMasterKey(nodeMasterKey), quiet)
	handler := a.ChannelHandler(authorizeBatchTest)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(handler, http.MethodPost, "/pusher/auth", formType, tt.body)
			if got.Code != http.StatusOK || got.Body.String() != tt.want {
				t.Errorf("POST %s = %d\n%s, want 200\n%s", tt.body, got.Code, got.Body, tt.want)
			}
			if kind, caching := got.Header().Get("Content-Type"), got.Header().Get("Cache-Control"); kind != "application/json" || caching != "no-store" {
				t.Errorf("POST %s has Content-Type %q and Cache-Control %q", tt.body, kind, caching)
			}
		})
	}
}

func authorizeBatchTest(_ *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
	switch request.Channel {
	case "presence-room":
		return &auth.Member{UserID: "ann"}, nil
	case "presence-invalid":
		return &auth.Member{}, nil
	case "presence-none":
		return nil, nil
	case "private-denied":
		return &auth.Member{UserID: "ann"}, auth.ErrForbidden
	}
	return nil, nil
}

func TestAuthorizer_ChannelHandler_BatchOrder(t *testing.T) {
	var channels []string
	handler := newAuthorizer(t, docsKey, docsSecret, quiet).ChannelHandler(func(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
		if request.SocketID != "1.1" || r.PostForm.Get("token") != "t" {
			t.Errorf("callback got socket ID %q and token %q, want 1.1 and t", request.SocketID, r.PostForm.Get("token"))
		}
		channels = append(channels, request.Channel)
		return nil, nil
	})
	const body = "token=t&channel_name[10]=private-c&channel_name[2]=private-b&channel_name[0]=private-d&socket_id=1.1"
	if got := serve(handler, http.MethodPost, "/", formType, body); got.Code != http.StatusOK {
		t.Fatalf("POST %s = %d, want 200", body, got.Code)
	}
	if want := []string{"private-d", "private-b", "private-c"}; !slices.Equal(channels, want) {
		t.Errorf("callback was called for %q, want %q", channels, want)
	}
}

func TestAuthorizer_ChannelHandler_BatchRejected(t *testing.T) {
	channels := make([]string, 101)
	for i := range channels {
		channels[i] = fmt.Sprintf("private-%d", i)
	}
	longNames := make([]string, 100)
	for i := range longNames {
		longNames[i] = fmt.Sprintf("private-%0192d", i)
	}
	const ok = "socket_id=1.1&channel_name[0]=private-x"
	tests := []struct {
		name, body string
		want       int
		logged     string
	}{
		{"channel_name and channel_name[0]", ok + "&channel_name=private-y", 400, "both"},
		{"repeated channel", batchForm("1.1", "private-x", "private-y", "private-x"), 400, "channel is repeated"},
		{"repeated index", ok + "&channel_name[0]=private-y", 400, "batch field is repeated"},
		{"no index", ok + "&channel_name[]=private-y", 400, "no valid index"},
		{"index with leading zero", ok + "&channel_name[00]=private-y", 400, "no valid index"},
		{"index with sign", ok + "&channel_name[+1]=private-y", 400, "no valid index"},
		{"negative index", ok + "&channel_name[-1]=private-y", 400, "no valid index"},
		{"name as index", ok + "&channel_name[a]=private-y", 400, "no valid index"},
		{"text after index", ok + "&channel_name[1]x=private-y", 400, "no valid index"},
		{"two dimensions", ok + "&channel_name[1][0]=private-y", 400, "no valid index"},
		{"missing bracket", ok + "&channel_name[1=private-y", 400, "no valid index"},
		{"huge index", ok + "&channel_name[99999999999999999999]=private-y", 400, "no valid index"},
		{"no socket ID", "channel_name[0]=private-x", 400, "socket_id is missing"},
		{"invalid socket ID", batchForm("1.1:private-x", "private-x"), 400, "socket ID"},
		{"repeated socket ID", ok + "&socket_id=1.1", 400, "socket_id is repeated"},
		{"101 channels", batchForm("1.1", channels...), 400, "101 channels, at most 100"},
		{"100 channels of 200 characters", batchForm("1.1", longNames...), 413, "too large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, log := newLogged(t)
			handler := a.ChannelHandler(func(_ *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
				t.Errorf("authorize was called with %+v", request)
				return nil, nil
			})
			got := serve(handler, http.MethodPost, "/", formType, tt.body)
			if got.Code != tt.want || got.Body.String() != http.StatusText(tt.want)+"\n" {
				t.Errorf("POST %.100s = %d %s, want %d and nothing signed", tt.body, got.Code, got.Body, tt.want)
			}
			if !strings.Contains(log.String(), tt.logged) {
				t.Errorf("log = %s, want %q", log.String(), tt.logged)
			}
		})
	}

	t.Run("100 channels are accepted", func(t *testing.T) {
		handler := newAuthorizer(t, docsKey, docsSecret, quiet).ChannelHandler(allowAll)
		got := serve(handler, http.MethodPost, "/", formType, batchForm("1.1", channels[:100]...))
		var results map[string]struct{ Status int }
		if err := json.Unmarshal(got.Body.Bytes(), &results); err != nil || got.Code != http.StatusOK || len(results) != 100 {
			t.Fatalf("POST = %d with %d results, %v, want 200 with 100", got.Code, len(results), err)
		}
		for channel, result := range results {
			if result.Status != http.StatusOK {
				t.Errorf("status of %s = %d, want 200", channel, result.Status)
			}
		}
	})
}

// A request for 100 channels must not cause 100 log lines.
func TestAuthorizer_ChannelHandler_BatchLog(t *testing.T) {
	a, log := newLogged(t)
	handler := a.ChannelHandler(func(_ *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
		if request.Channel == "presence-invalid" {
			return &auth.Member{}, nil
		}
		return nil, fmt.Errorf("%w: banned", auth.ErrForbidden)
	})
	serve(handler, http.MethodPost, "/", formType, batchForm("1.1", "private-a", "presence-invalid", "private-b", "public", "private-c"))
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	want := [][]string{
		{"level=WARN", "rejected_channels=1 channels=5", "status=400", "public"},
		{"level=INFO", "rejected_channels=3 channels=5", "status=403", "private-a", "banned"},
		{"level=ERROR", "rejected_channels=1 channels=5", "status=500", "member ID is empty"},
	}
	if len(lines) != len(want) {
		t.Fatalf("log has %d lines, want %d:\n%s", len(lines), len(want), log.String())
	}
	for i, texts := range want {
		for _, text := range texts {
			if !strings.Contains(lines[i], text) {
				t.Errorf("log line = %s, want %q", lines[i], text)
			}
		}
	}
}
