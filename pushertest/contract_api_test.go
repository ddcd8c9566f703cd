package pushertest_test

import (
	"strings"
	"testing"
)

// The end of a text is openapi3filter's. The test checks only which parameter it names.
func TestAPI_RejectedByContract(t *testing.T) {
	tests := []struct{ name, method, target, body, mentions string }{
		{"no channels in the list", "POST", events, `{"name":"n","channels":[],"data":"d"}`, "Invalid parameter channels: "},
		{"101 channels", "POST", events, `{"name":"n","channels":["c"` + strings.Repeat(`,"c"`, 100) + `],"data":"d"}`, "channels"},
		{"channel that is a number", "POST", events, `{"name":"n","channels":[1],"data":"d"}`, "Invalid parameter channels[0]: "},
		{"channels that are a string", "POST", events, `{"name":"n","channels":"c","data":"d"}`, "channels"},
		{"socket ID without a dot", "POST", events, `{"name":"n","channel":"c","data":"d","socket_id":"1234"}`, "socket_id"},
		{"empty batch", "POST", batch, `{"batch":[]}`, "batch"},
		{"null in a batch", "POST", batch, `{"batch":[null]}`, "Invalid parameter batch[0]: "},
		{"batch that is an object", "POST", batch, `{"batch":{}}`, "batch"},
		{"unknown parameter", "POST", "/apps/3/users/1/terminate_connections", `{"a":1}`, "Invalid body: "},
		{"user ID with a space", "POST", "/apps/3/users/a%20b/terminate_connections", "{}", "Invalid parameter user_id: "},
		{"info given twice", "GET", channels + "/presence-c?info=user_count&info=subscription_count", "", "info"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			status, text := call(t, s, test.method, test.target, test.body)
			if status != 400 || !strings.Contains(text, test.mentions) {
				t.Errorf("%s %s %s = %d %q, want 400 and a text with %q", test.method, test.target, test.body, status, text, test.mentions)
			}
			if strings.Count(text, "\n") != 1 {
				t.Errorf("the text %q is not exactly one line", text)
			}
		})
	}
}
