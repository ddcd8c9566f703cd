package pushertest_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestAPI_RejectedByRules(t *testing.T) {
	const (
		dataTooLarge = "The data content of this event exceeds the allowed maximum (10240 bytes). See https://pusher.com/docs/channels/server_api/http-api#publishing-events for more info\n"
		listOnly     = "user_count may only be requested for presence channels - please supply filter_by_prefix begining with presence-\n"
		reserved     = "The 'pusher' namespace is reserved for internal usage\n"
		notEncrypted = "The data of an event for an encrypted channel has to be a JSON object with nonce and ciphertext in base64\n"
		info         = "info should be a comma separated list of attributes\n"
	)
	event := func(name, channel, data string) string {
		return fmt.Sprintf(`{"name":%q,"channel":%q,"data":%q}`, name, channel, data)
	}
	batchOf := func(events ...string) string { return `{"batch":[` + strings.Join(events, ",") + `]}` }
	tooLarge := strings.Repeat("x", 10241)
	eleven := strings.Split(strings.Repeat(event("n", "c", "d")+"|", 11), "|")[:11]

	tests := []struct {
		name, method, target, body string
		status                     int
		text                       string
	}{
		// processmaker#2857 and the acceptance tests of pusher-http-php.
		{"data of 10,241 bytes", "POST", events, event("n", "c", tooLarge), 413, dataTooLarge},
		{"data of 10,241 bytes in a batch", "POST", batch, batchOf(event("n", "c", tooLarge)), 413, dataTooLarge},
		// The acceptance tests of pusher-http-swift, EventTriggerTests.
		{"batch of eleven events", "POST", batch, batchOf(eleven...), 400, "Batch too large (11 > 10)\n"},
		{"channels in a batch", "POST", batch, `{"batch":[{"name":"n","channels":["c"],"data":"d"}]}`, 400, "Missing required parameter: channel\n"},
		// The same form, for other parameters.
		{"no channel", "POST", events, `{"name":"n","data":"d"}`, 400, "Missing required parameter: channels\n"},
		{"no name", "POST", events, `{"channel":"c","data":"d"}`, 400, "Missing required parameter: name\n"},
		{"no data", "POST", events, `{"channel":"c","name":"n"}`, 400, "Missing required parameter: data\n"},
		{"no batch", "POST", batch, `{}`, 400, "Missing required parameter: batch\n"},
		{"no body", "POST", events, "", 400, "Missing required parameter: name\n"},
		// pusher-js#727.
		{"name is a number", "POST", events, `{"name":1,"channel":"c","data":"d"}`, 400, "Expected name parameter to be a string\n"},
		{"data is an object", "POST", events, `{"name":"n","channel":"c","data":{}}`, 400, "Expected data parameter to be a string\n"},
		{"info is a list", "POST", events, `{"name":"n","channel":"c","data":"d","info":[]}`, 400, "Expected info parameter to be a string\n"},
		// pusher-http-ruby#142.
		{"name in the reserved namespace", "POST", events, event("pusher:x", "c", "d"), 400, reserved},
		{"hyphen after the reserved word", "POST", events, event("pusher-notification", "c", "d"), 400, reserved},
		{"reserved name in a batch", "POST", batch, batchOf(event("n", "c", "d"), event("pusher:x", "c", "d")), 400, reserved},
		// codefirst/AsakusaSatellite#13.
		{"space in a channel name", "POST", events, event("n", "a b", "d"), 400, "Invalid channel name\n"},
		{"space in one of two channel names", "POST", events, `{"name":"n","channels":["a","a b"],"data":"d"}`, 400, "Invalid channel name\n"},
		{"space in a channel name in a batch", "POST", batch, batchOf(event("n", "a b", "d")), 400, "Invalid channel name\n"},
		{"user ID with a space", "POST", events, event("n", "#server-to-user-a b", "d"), 400, "Invalid channel name\n"},
		{"space in the path", "GET", channels + "/a%20b", "", 400, "Invalid channel name\n"},
		{"space in the path of users", "GET", channels + "/a%20b/users", "", 400, "Invalid channel name\n"},
		// The acceptance tests of pusher-http-swift, AppStateQueryTests.
		{"user counts of all channels", "GET", channels + "?info=user_count", "", 400, listOnly},
		{"user counts of some private channels", "GET", channels + "?info=user_count&filter_by_prefix=private-", "", 400, listOnly},
		{"user counts with the prefix presence", "GET", channels + "?info=user_count&filter_by_prefix=presence", "", 400, listOnly},
		{"user count of a public channel", "GET", channels + "/c?info=user_count", "", 400, "Cannot retrieve the user count unless the channel is a presence channel\n"},
		{"users of a public channel", "GET", channels + "/c/users", "", 400, "Users can only be retrieved for presence channels\n"},
		// The acceptance tests of pusher-http-dotnet, ChannelState.
		{"unknown attribute", "GET", channels + "/c?info=does_not_exist", "", 400, info},
		{"unknown attribute of all channels", "GET", channels + "?info=subscription_count", "", 400, info},
		{"unknown attribute in a trigger", "POST", events, `{"name":"n","channel":"c","data":"d","info":"cache"}`, 400, info},
		{"attributes separated by semicolons", "GET", channels + "/presence-c?info=user_count;subscription_count", "", 400, info},
		// pusher-http-node#18.
		{"info of users", "GET", channels + "/presence-c/users?info=user_count", "", 400, "The following query string parameters are extraneous: info\n"},
		{"two unknown parameters", "POST", batch + "?b=1&a=2", batchOf(event("n", "c", "d")), 400, "The following query string parameters are extraneous: a, b\n"},
		// pusher-js#592, pusher-http-php#308.
		{"unknown path", "GET", "/apps/3/nothing", "", 404, "404 NOT FOUND\n"},
		{"root", "GET", "/", "", 404, "404 NOT FOUND\n"},
		{"another app", "GET", "/apps/4/channels", "", 404, "404 NOT FOUND\n"},
		{"path with two slashes", "GET", "/apps//channels", "", 404, "404 NOT FOUND\n"},
		{"dot segments in the path", "GET", "/apps/3/users/../channels", "", 404, "404 NOT FOUND\n"},
		{"slash at the end", "GET", channels + "/", "", 404, "404 NOT FOUND\n"},
		{"slash in a channel name", "GET", channels + "/a/b", "", 404, "404 NOT FOUND\n"},
		{"another method", "POST", channels, "{}", 404, "404 NOT FOUND\n"},
		{"deprecated endpoint", "GET", channels + "/c/stats", "", 404, "404 NOT FOUND\n"},

		// Pusher's texts for these are not known.
		{"body is not an object", "POST", events, `[]`, 400, "Expected the body to be a JSON object\n"},
		{"body is null", "POST", events, `null`, 400, "Expected the body to be a JSON object\n"},
		{"truncated body", "POST", events, `{`, 400, "Expected the body to be a JSON object\n"},
		{"both forms of channels", "POST", events, `{"name":"n","channel":"c","channels":["c"],"data":"d"}`, 400, "Expected either the channel or the channels parameter, not both\n"},
		{"encrypted channel among others", "POST", events, `{"name":"n","channels":["c","private-encrypted-c"],"data":"d"}`, 400, "An event for an encrypted channel cannot be triggered on other channels too\n"},
		{"plain text on an encrypted channel", "POST", events, event("n", "private-encrypted-c", "{}"), 400, notEncrypted},
		{"plain text on an encrypted channel, as a list", "POST", events, `{"name":"n","channels":["private-encrypted-c"],"data":"secret"}`, 400, notEncrypted},
		{"plain text on an encrypted channel in a batch", "POST", batch, batchOf(event("n", "private-encrypted-cache-c", "secret")), 400, notEncrypted},
		{"short nonce", "POST", events, event("n", "private-encrypted-c", `{"nonce":"AAAA","ciphertext":"zoDEe8dA3nDXKsybAWce/hXGW4szJw=="}`), 400, notEncrypted},
		{"no ciphertext", "POST", events, event("n", "private-encrypted-c", `{"nonce":"sjklahvpWWQgAjTx5FfYHCCxd2AmaL9T"}`), 400, notEncrypted},
		{"ciphertext is not base64", "POST", events, event("n", "private-encrypted-c", `{"nonce":"sjklahvpWWQgAjTx5FfYHCCxd2AmaL9T","ciphertext":"&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&"}`), 400, notEncrypted},
		{"cache of another kind of channel", "GET", channels + "/c?info=cache", "", 400, "Cannot retrieve the cache unless the channel is a cache channel\n"},
		{"name of 201 characters", "POST", events, event(strings.Repeat("n", 201), "c", "d"), 400, "event name has 201 characters, at most 200 are allowed\n"},
		{"parameter in capitals", "POST", events, `{"name":"n","NAME":"pusher:x","channel":"c","data":"d"}`, 400, "Expected the parameter \"name\", not \"NAME\"\n"},
		{"parameter of a batch in capitals", "POST", batch, `{"Batch":[]}`, 400, "Expected the parameter \"batch\", not \"Batch\"\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			status, text := call(t, s, test.method, test.target, test.body)
			if status != test.status || text != test.text {
				t.Errorf("%s %s %.100s = %d %q, want %d %q", test.method, test.target, test.body, status, text, test.status, test.text)
			}
			if got := s.Events(); len(got) != 0 {
				t.Errorf("Events() after a rejection = %.100v, want none", got)
			}
		})
	}
}
