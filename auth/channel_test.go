package auth_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/openchannels/pusher-go/auth"
)

func TestAuthorizer_AuthorizePrivate(t *testing.T) {
	tests := []struct {
		name, key, secret, socketID, channel, want, sharedSecret string
	}{
		{
			"Pusher docs, Authentication signatures",
			docsKey, docsSecret, "1234.1234", "private-foobar",
			docsKey + ":58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4", "",
		},
		{
			"all special characters: pusher-http-java, PusherChannelAuthTest",
			docsKey, docsSecret, "1234.1234", "private-azAZ9_=@,.;",
			docsKey + ":208cbbce2a22fd7d7c3509046b17a97b99d345cf4c195bc0d54af9004a022b0b", "",
		},
		{
			"pusher-http-python",
			"foo", "bar", "345.23", "private-channel",
			"foo:89955e77e1b40e33df6d515a5ecbba86a01dc816a5b720da18a06fd26f7d92ff", "",
		},
		{
			"encrypted: signature computed with openssl, shared secret of pusher-http-node, authenticate.js",
			"f00d", "tofu", "123.456", "private-encrypted-bla",
			"f00d:43d808e37d261f4e02402a739649ba29a6854cb978efdbc92892cd744c567030", "nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ=",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAuthorizer(t, tt.key, tt.secret, auth.WithEncryptionMasterKey(nodeMasterKey))
			got, err := a.AuthorizePrivate(tt.socketID, tt.channel)
			if err != nil {
				t.Fatalf("AuthorizePrivate(%q, %q) = %v", tt.socketID, tt.channel, err)
			}
			if want := (auth.ChannelAuthorization{Auth: tt.want, SharedSecret: tt.sharedSecret}); *got != want {
				t.Errorf("AuthorizePrivate(%q, %q) = %s, want %s", tt.socketID, tt.channel, asJSON(t, got), asJSON(t, want))
			}
		})
	}
}

func TestAuthorizer_AuthorizePrivate_withoutMasterKey(t *testing.T) {
	a := newAuthorizer(t, docsKey, docsSecret)
	for _, channel := range []string{"private-encrypted-x", "private-encrypted-cache-x"} {
		got, err := a.AuthorizePrivate("1.1", channel)
		if got != nil || !errors.Is(err, auth.ErrConfiguration) {
			t.Errorf("AuthorizePrivate(%q) = %v, %v, want ErrConfiguration", channel, got, err)
		}
	}
}

func TestAuthorizer_AuthorizePrivateData(t *testing.T) {
	tests := []struct {
		name, key, secret, socketID, channel string
		data                                 any
		want                                 auth.ChannelAuthorization
	}{
		{
			"encrypted channel: pusher-http-node, authenticate.js",
			"f00d", "tofu", "123.456", "private-encrypted-bla", "foo",
			auth.ChannelAuthorization{
				Auth:         "f00d:962c48b78bf93d98ff4c92ee7dff04865821455b7b401e9d60a9e0a90af2c105",
				ChannelData:  `"foo"`,
				SharedSecret: "nlr49ISQHz91yS3cy/yWmW8wFMNeTnNL5tNHnbPJcLQ=",
			},
		},
		{
			"object: signature computed with openssl",
			docsKey, docsSecret, "1234.1234", "private-foobar", map[string]any{"role": "<admin>", "level": 3},
			auth.ChannelAuthorization{
				Auth:        docsKey + ":61b318f793d75e8552093eca4dd972b2e72b319b87619996297ddad49c12719d",
				ChannelData: `{"level":3,"role":"<admin>"}`,
			},
		},
		{
			"nil is no data: Pusher docs, Authentication signatures",
			docsKey, docsSecret, "1234.1234", "private-foobar", nil,
			auth.ChannelAuthorization{Auth: docsKey + ":58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAuthorizer(t, tt.key, tt.secret, auth.WithEncryptionMasterKey(nodeMasterKey))
			got, err := a.AuthorizePrivateData(tt.socketID, tt.channel, tt.data)
			if err != nil {
				t.Fatalf("AuthorizePrivateData(%q, %q, %v) = %v", tt.socketID, tt.channel, tt.data, err)
			}
			if *got != tt.want {
				t.Errorf("AuthorizePrivateData(%q, %q, %v) = %s, want %s", tt.socketID, tt.channel, tt.data, asJSON(t, got), asJSON(t, tt.want))
			}
		})
	}
}

func TestAuthorizer_AuthorizePrivateData_invalid(t *testing.T) {
	tests := []struct {
		name, channel string
		data          any
		want          string
	}{
		{"presence channel", "presence-x", "data", "not a private channel"},
		{"1,025 bytes", "private-x", strings.Repeat("x", 1025-2), "JSON has 1025 bytes, at most 1024"},
		{"not UTF-8", "private-x", "\xff", "not valid UTF-8"},
		{"cannot be encoded", "private-x", func() {}, "unsupported type"},
		{"not JSON", "private-x", json.RawMessage(""), "unexpected end"},
	}
	a := newAuthorizer(t, docsKey, docsSecret)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := a.AuthorizePrivateData("1.1", tt.channel, tt.data)
			if got != nil || !errors.Is(err, auth.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("AuthorizePrivateData(%q, %.50v) = %v, %v, want ErrInvalid with %q", tt.channel, tt.data, got, err, tt.want)
			}
		})
	}
}

func TestAuthorizer_AuthorizePresence(t *testing.T) {
	tests := []struct {
		name, key, secret, socketID, channel string
		member                               auth.Member
		want                                 auth.ChannelAuthorization
	}{
		{
			"pusher-http-python",
			"foo", "bar", "345.43245", "presence-channel",
			auth.Member{UserID: "fred", UserInfo: map[string]string{"key": "value"}},
			auth.ChannelAuthorization{
				Auth:        "foo:e80ba6439492c2113022c39297a87a948de14061cc67b5788e045645a68b8ccd",
				ChannelData: `{"user_id":"fred","user_info":{"key":"value"}}`,
			},
		},
		{
			"JSON without HTML escapes: computed with openssl",
			docsKey, docsSecret, "1234.1234", "presence-foobar",
			auth.Member{UserID: "ann+1@example.com", UserInfo: map[string]string{"name": "<Ann & Bob>"}},
			auth.ChannelAuthorization{
				Auth:        docsKey + ":4f8429640ee55e8aee31969b12ca0dbdf454f28fa1ea2f049a1120a51ac6437c",
				ChannelData: `{"user_id":"ann+1@example.com","user_info":{"name":"<Ann & Bob>"}}`,
			},
		},
		{
			"signed-in user: computed with openssl",
			docsKey, docsSecret, "1234.1234", "presence-foobar",
			auth.Member{SignedIn: true},
			auth.ChannelAuthorization{Auth: docsKey + ":71506e66e7fdca106571b8999a849ad34245bc653772e51e0026c1a2475b92ba"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := newAuthorizer(t, tt.key, tt.secret).AuthorizePresence(tt.socketID, tt.channel, tt.member)
			if err != nil {
				t.Fatalf("AuthorizePresence(%q, %q, %+v) = %v", tt.socketID, tt.channel, tt.member, err)
			}
			if *got != tt.want {
				t.Errorf("AuthorizePresence(%q, %q, %+v) = %s, want %s", tt.socketID, tt.channel, tt.member, asJSON(t, got), asJSON(t, tt.want))
			}
		})
	}
}

func TestAuthorizer_AuthorizePresence_channelData(t *testing.T) {
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

func TestAuthorizer_AuthorizePresence_invalidMember(t *testing.T) {
	tests := []struct {
		name   string
		member auth.Member
		want   string
	}{
		{"empty ID", auth.Member{}, "member ID is empty"},
		{"129 characters", auth.Member{UserID: strings.Repeat("é", 129)}, "129 characters, at most 128"},
		{"line feed in ID", auth.Member{UserID: "a\nb"}, "control character"},
		{"NUL in ID", auth.Member{UserID: "a\x00"}, "control character"},
		{"ID is not UTF-8", auth.Member{UserID: "a\xff"}, "not valid UTF-8"},
		{"info is not UTF-8", auth.Member{UserID: "1", UserInfo: map[string]string{"name": "a\xffb"}}, "not valid UTF-8"},
		{"raw info is not UTF-8", auth.Member{UserID: "1", UserInfo: json.RawMessage("\"\xff\"")}, "not valid UTF-8"},
		{"info is not UTF-8, after an escape sequence as text", auth.Member{UserID: "1", UserInfo: map[string]string{"a": "\\ufffd\xff"}}, "not valid UTF-8"},
		{"info is not UTF-8, after a backslash", auth.Member{UserID: "1", UserInfo: map[string]string{"a": "\\\xff"}}, "not valid UTF-8"},
		{"info cannot be encoded", auth.Member{UserID: "1", UserInfo: func() {}}, "unsupported type"},
		{"raw info is not JSON", auth.Member{UserID: "1", UserInfo: json.RawMessage(`{"a":`)}, "unexpected end"},
		{"info is text", auth.Member{UserID: "1", UserInfo: "Ann"}, "member: info does not encode as a JSON object"},
		{"info is a list", auth.Member{UserID: "1", UserInfo: []int{1, 2}}, "info does not encode as a JSON object"},
		{"info is a number", auth.Member{UserID: "1", UserInfo: 1}, "info does not encode as a JSON object"},
		{"info is false", auth.Member{UserID: "1", UserInfo: false}, "info does not encode as a JSON object"},
		{"1,025 bytes", auth.Member{UserID: "1", UserInfo: infoOf(1025)}, "JSON has 1025 bytes, at most 1024"},
		{"SignedIn and ID", auth.Member{UserID: "1", SignedIn: true}, "SignedIn"},
		{"SignedIn and info", auth.Member{UserInfo: "x", SignedIn: true}, "SignedIn"},
		{"private data", auth.Member{UserID: "1", PrivateData: "x"}, "PrivateData"},
		{"SignedIn and private data", auth.Member{SignedIn: true, PrivateData: "x"}, "PrivateData"},
	}
	a := newAuthorizer(t, docsKey, docsSecret)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := a.AuthorizePresence("1.1", "presence-x", tt.member)
			if got != nil || !errors.Is(err, auth.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("AuthorizePresence(%+.100v) = %v, %v, want ErrInvalid with %q", tt.member, got, err, tt.want)
			}
		})
	}
}

func TestWithMaxMemberBytes(t *testing.T) {
	newAuthorizer(t, docsKey, docsSecret, auth.WithMaxMemberBytes(1)) // the lowest value
	a := newAuthorizer(t, docsKey, docsSecret, auth.WithMaxMemberBytes(2048))
	if _, err := a.AuthorizePresence("1.1", "presence-x", auth.Member{UserID: "1", UserInfo: infoOf(2048)}); err != nil {
		t.Errorf("AuthorizePresence with 2,048 bytes of 2,048 = %v", err)
	}
	if _, err := a.AuthorizePresence("1.1", "presence-x", auth.Member{UserID: "1", UserInfo: infoOf(2049)}); !errors.Is(err, auth.ErrInvalid) {
		t.Errorf("AuthorizePresence with 2,049 bytes of 2,048 = %v, want ErrInvalid", err)
	}
	data := strings.Repeat("x", 2048-2)
	if _, err := a.AuthorizePrivateData("1.1", "private-x", data); err != nil {
		t.Errorf("AuthorizePrivateData with 2,048 bytes of 2,048 = %v", err)
	}
	if _, err := a.AuthorizePrivateData("1.1", "private-x", data+"x"); !errors.Is(err, auth.ErrInvalid) {
		t.Errorf("AuthorizePrivateData with 2,049 bytes of 2,048 = %v, want ErrInvalid", err)
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
