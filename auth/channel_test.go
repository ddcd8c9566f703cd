package auth_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
)

// published has authorizations with their sources. Those without a source were computed
// with openssl.
var published = []struct {
	name, key, secret string
	authorize         func(*auth.Authorizer) (*auth.ChannelAuthorization, error)
	want              auth.ChannelAuthorization
}{
	{
		"private channel: Pusher docs, Authentication signatures", docsKey, docsSecret,
		private("1234.1234", "private-foobar"),
		auth.ChannelAuthorization{Auth: docsKey + ":58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"},
	},
	{
		"private channel, all special characters: pusher-http-java, PusherChannelAuthTest", docsKey, docsSecret,
		private("1234.1234", "private-azAZ9_=@,.;"),
		auth.ChannelAuthorization{Auth: docsKey + ":208cbbce2a22fd7d7c3509046b17a97b99d345cf4c195bc0d54af9004a022b0b"},
	},
	{
		"private channel: pusher-http-python", "foo", "bar",
		private("345.23", "private-channel"),
		auth.ChannelAuthorization{Auth: "foo:89955e77e1b40e33df6d515a5ecbba86a01dc816a5b720da18a06fd26f7d92ff"},
	},
	{
		"encrypted channel: shared secret of pusher-http-node, authenticate.js", "f00d", "tofu",
		private("123.456", "private-encrypted-bla"),
		auth.ChannelAuthorization{
			Auth:         "f00d:43d808e37d261f4e02402a739649ba29a6854cb978efdbc92892cd744c567030",
			SharedSecret: "nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ=",
		},
	},
	{
		"encrypted channel with data: pusher-http-node, authenticate.js", "f00d", "tofu",
		privateData("123.456", "private-encrypted-bla", "foo"),
		auth.ChannelAuthorization{
			Auth:         "f00d:962c48b78bf93d98ff4c92ee7dff04865821455b7b401e9d60a9e0a90af2c105",
			ChannelData:  `"foo"`,
			SharedSecret: "nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ=",
		},
	},
	{
		"private channel with data", docsKey, docsSecret,
		privateData("1234.1234", "private-foobar", map[string]any{"role": "<admin>", "level": 3}),
		auth.ChannelAuthorization{
			Auth:        docsKey + ":61b318f793d75e8552093eca4dd972b2e72b319b87619996297ddad49c12719d",
			ChannelData: `{"level":3,"role":"<admin>"}`,
		},
	},
	{
		"private channel with nil as data: Pusher docs, Authentication signatures", docsKey, docsSecret,
		privateData("1234.1234", "private-foobar", nil),
		auth.ChannelAuthorization{Auth: docsKey + ":58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"},
	},
	{
		"presence channel: pusher-http-python", "foo", "bar",
		presence("345.43245", "presence-channel", auth.Member{UserID: "fred", UserInfo: map[string]string{"key": "value"}}),
		auth.ChannelAuthorization{
			Auth:        "foo:e80ba6439492c2113022c39297a87a948de14061cc67b5788e045645a68b8ccd",
			ChannelData: `{"user_id":"fred","user_info":{"key":"value"}}`,
		},
	},
	{
		"presence channel, JSON without HTML escapes", docsKey, docsSecret,
		presence("1234.1234", "presence-foobar", auth.Member{UserID: "ann+1@example.com", UserInfo: map[string]string{"name": "<Ann & Bob>"}}),
		auth.ChannelAuthorization{
			Auth:        docsKey + ":4f8429640ee55e8aee31969b12ca0dbdf454f28fa1ea2f049a1120a51ac6437c",
			ChannelData: `{"user_id":"ann+1@example.com","user_info":{"name":"<Ann & Bob>"}}`,
		},
	},
	{
		"presence channel, signed-in user", docsKey, docsSecret,
		presence("1234.1234", "presence-foobar", auth.Member{SignedIn: true}),
		auth.ChannelAuthorization{Auth: docsKey + ":71506e66e7fdca106571b8999a849ad34245bc653772e51e0026c1a2475b92ba"},
	},
}

func private(socketID, channel string) func(*auth.Authorizer) (*auth.ChannelAuthorization, error) {
	return func(a *auth.Authorizer) (*auth.ChannelAuthorization, error) {
		return a.AuthorizePrivate(socketID, channel)
	}
}

func privateData(socketID, channel string, data any) func(*auth.Authorizer) (*auth.ChannelAuthorization, error) {
	return func(a *auth.Authorizer) (*auth.ChannelAuthorization, error) {
		return a.AuthorizePrivateData(socketID, channel, data)
	}
}

func presence(socketID, channel string, member auth.Member) func(*auth.Authorizer) (*auth.ChannelAuthorization, error) {
	return func(a *auth.Authorizer) (*auth.ChannelAuthorization, error) {
		return a.AuthorizePresence(socketID, channel, member)
	}
}

func TestAuthorizer_PublishedSignatures(t *testing.T) {
	for _, tt := range published {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.authorize(newAuthorizer(t, tt.key, tt.secret, auth.WithEncryptionMasterKey(nodeMasterKey)))
			if err != nil || *got != tt.want {
				t.Errorf("authorization = %s, %v, want %s", asJSON(t, got), err, asJSON(t, tt.want))
			}
		})
	}
}

func TestAuthorizer_AuthorizePresence_ChannelData(t *testing.T) {
	type profile struct {
		Name string `json:"name"`
	}
	tests := []struct {
		name   string
		member auth.Member
		want   string
	}{
		{"nil info", auth.Member{UserID: "1"}, `{"user_id":"1"}`},
		{"struct", auth.Member{UserID: "1", UserInfo: profile{"Ann"}}, `{"user_id":"1","user_info":{"name":"Ann"}}`},
		{"raw JSON", auth.Member{UserID: "1", UserInfo: json.RawMessage(`{ "a": "<b>" }`)}, `{"user_id":"1","user_info":{"a":"<b>"}}`},
		{"nil map", auth.Member{UserID: "1", UserInfo: map[string]string(nil)}, `{"user_id":"1"}`},
		{"empty map", auth.Member{UserID: "1", UserInfo: map[string]string{}}, `{"user_id":"1","user_info":{}}`},
		{"user_info in ID", auth.Member{UserID: `a","user_info":1`, UserInfo: profile{"Ann"}}, `{"user_id":"a\",\"user_info\":1","user_info":{"name":"Ann"}}`},
		{"user_info in info", auth.Member{UserID: "1", UserInfo: json.RawMessage(`{"a":"b","user_info":null}`)}, `{"user_id":"1","user_info":{"a":"b","user_info":null}}`},
		{"quotes in ID", auth.Member{UserID: `","user_id":"admin`}, `{"user_id":"\",\"user_id\":\"admin"}`},
		{"other scripts", auth.Member{UserID: "Ёлка 🎄"}, `{"user_id":"Ёлка 🎄"}`},
		{"U+FFFD", auth.Member{UserID: "a\uFFFDb"}, "{\"user_id\":\"a\uFFFDb\"}"},
		{"escape sequence of U+FFFD as text", auth.Member{UserID: `\ufffd`}, `{"user_id":"\\ufffd"}`},
		{"128 characters of two bytes", auth.Member{UserID: strings.Repeat("é", 128)}, `{"user_id":"` + strings.Repeat("é", 128) + `"}`},
		{"1,024 bytes", auth.Member{UserID: "1", UserInfo: infoOf(1024)}, `{"user_id":"1","user_info":{"a":"` + strings.Repeat("x", 1024-36) + `"}}`},
	}
	a := newAuthorizer(t, docsKey, docsSecret)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := a.AuthorizePresence("1.1", "presence-x", tt.member)
			if err != nil {
				t.Fatalf("AuthorizePresence(%+.100v) = %v", tt.member, err)
			}
			if got.ChannelData != tt.want {
				t.Errorf("AuthorizePresence(%+.100v) has channel data\n%s, want\n%s", tt.member, got.ChannelData, tt.want)
			}
		})
	}
}

func TestAuthorizer_InvalidArguments(t *testing.T) {
	data := func(channel string, data any) func(*auth.Authorizer) (*auth.ChannelAuthorization, error) {
		return privateData("1.1", channel, data)
	}
	member := func(member auth.Member) func(*auth.Authorizer) (*auth.ChannelAuthorization, error) {
		return presence("1.1", "presence-x", member)
	}
	info := func(info any) auth.Member { return auth.Member{UserID: "1", UserInfo: info} }
	tests := []struct {
		name      string
		authorize func(*auth.Authorizer) (*auth.ChannelAuthorization, error)
		want      string
	}{
		{"private data: presence channel", data("presence-x", "data"), "not a private channel"},
		{"private data: 1,025 bytes", data("private-x", strings.Repeat("x", 1025-2)), "JSON has 1025 bytes, at most 1024"},
		{"private data: not UTF-8", data("private-x", "\xff"), "not valid UTF-8"},
		{"private data: cannot be encoded", data("private-x", func() {}), "unsupported type"},
		{"private data: not JSON", data("private-x", json.RawMessage("")), "unexpected end"},
		{"member: empty ID", member(auth.Member{}), "member ID is empty"},
		{"member: 129 characters", member(auth.Member{UserID: strings.Repeat("é", 129)}), "129 characters, at most 128"},
		{"member: line feed in ID", member(auth.Member{UserID: "a\nb"}), "control character"},
		{"member: NUL in ID", member(auth.Member{UserID: "a\x00"}), "control character"},
		{"member: ID is not UTF-8", member(auth.Member{UserID: "a\xff"}), "not valid UTF-8"},
		{"member: info is not UTF-8", member(info(map[string]string{"name": "a\xffb"})), "not valid UTF-8"},
		{"member: raw info is not UTF-8", member(info(json.RawMessage("\"\xff\""))), "not valid UTF-8"},
		{"member: info is not UTF-8, after an escape sequence as text", member(info(map[string]string{"a": "\\ufffd\xff"})), "not valid UTF-8"},
		{"member: info is not UTF-8, after a backslash", member(info(map[string]string{"a": "\\\xff"})), "not valid UTF-8"},
		{"member: info cannot be encoded", member(info(func() {})), "unsupported type"},
		{"member: raw info is not JSON", member(info(json.RawMessage(`{"a":`))), "unexpected end"},
		{"member: info is text", member(info("Ann")), "member: info does not encode as a JSON object"},
		{"member: info is a list", member(info([]int{1, 2})), "info does not encode as a JSON object"},
		{"member: info is a number", member(info(1)), "info does not encode as a JSON object"},
		{"member: info is false", member(info(false)), "info does not encode as a JSON object"},
		{"member: 1,025 bytes", member(info(infoOf(1025))), "JSON has 1025 bytes, at most 1024"},
		{"member: SignedIn and ID", member(auth.Member{UserID: "1", SignedIn: true}), "SignedIn"},
		{"member: SignedIn and info", member(auth.Member{UserInfo: "x", SignedIn: true}), "SignedIn"},
		{"member: private data", member(auth.Member{UserID: "1", PrivateData: "x"}), "PrivateData"},
		{"member: SignedIn and private data", member(auth.Member{SignedIn: true, PrivateData: "x"}), "PrivateData"},
	}
	a := newAuthorizer(t, docsKey, docsSecret)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.authorize(a)
			if got != nil || !errors.Is(err, auth.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("authorization = %v, %v, want ErrInvalid with %q", got, err, tt.want)
			}
		})
	}
}

func TestAuthorizer_WithoutMasterKey(t *testing.T) {
	a := newAuthorizer(t, docsKey, docsSecret)
	for _, channel := range []string{"private-encrypted-x", "private-encrypted-cache-x"} {
		got, err := a.AuthorizePrivate("1.1", channel)
		if got != nil || !errors.Is(err, auth.ErrConfiguration) {
			t.Errorf("AuthorizePrivate(%q) = %v, %v, want ErrConfiguration", channel, got, err)
		}
	}
}

func TestWithMaxMemberBytes(t *testing.T) {
	newAuthorizer(t, docsKey, docsSecret, auth.WithMaxMemberBytes(1)) // the lowest value
	a := newAuthorizer(t, docsKey, docsSecret, auth.WithMaxMemberBytes(2048))
	for size, want := range map[int]error{2048: nil, 2049: auth.ErrInvalid} {
		if _, err := a.AuthorizePresence("1.1", "presence-x", auth.Member{UserID: "1", UserInfo: infoOf(size)}); !errors.Is(err, want) {
			t.Errorf("AuthorizePresence with %d bytes = %v, want %v", size, err, want)
		}
		if _, err := a.AuthorizePrivateData("1.1", "private-x", strings.Repeat("x", size-len(`""`))); !errors.Is(err, want) {
			t.Errorf("AuthorizePrivateData with %d bytes = %v, want %v", size, err, want)
		}
	}
}

// infoOf returns the info with which the JSON of a member with the ID "1" has n bytes.
func infoOf(n int) any {
	return map[string]string{"a": strings.Repeat("x", n-len(`{"user_id":"1","user_info":{"a":""}}`))}
}

// asJSON returns the fields that fmt redacts.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
