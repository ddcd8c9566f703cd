package auth

import "testing"

// The JSON of some published signatures has a number as ID or an additional field. The
// exported methods never produce such JSON, so these signatures are compared here.
func TestAuthorizer_Sign(t *testing.T) {
	tests := []struct {
		name, key, secret, text, want string
	}{
		{
			"presence, number as ID: pusher-http-java, PusherChannelAuthTest, and the signature in the docs",
			"278d425bdf160c739803", "7ad3773142a6692b25b8",
			`1234.1234:presence-foobar:{"user_id":10,"user_info":{"name":"Mr. Pusher"}}`,
			"278d425bdf160c739803:afaed3695da2ffd16931f457e338e6c9f2921fa133ce7dac49f529792be6304c",
		},
		{
			"presence, text in the docs: computed with openssl",
			"278d425bdf160c739803", "7ad3773142a6692b25b8",
			`1234.1234:presence-foobar:{"user_id":10,"user_info":{"name":"Mr. Channels"}}`,
			"278d425bdf160c739803:31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80",
		},
		{
			"user with a name beside the ID: pusher-http-python",
			"thisisaauthkey", "thisisasecret",
			`12345.6789::user::{"id":"123","name":"John Smith"}`,
			"thisisaauthkey:0dddb208b53c7649f3fbbb86254a6e1986bc6f8b566423ea690c9ca773497373",
		},
		{
			"encrypted channel with data: pusher-http-node, authenticate.js",
			"f00d", "tofu",
			`123.456:private-encrypted-bla:"foo"`,
			"f00d:962c48b78bf93d98ff4c92ee7dff04865821455b7b401e9d60a9e0a90af2c105",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := New(tt.key, tt.secret)
			if err != nil {
				t.Fatal(err)
			}
			if got := a.sign(tt.text); got != tt.want {
				t.Errorf("sign(%s) = %s, want %s", tt.text, got, tt.want)
			}
		})
	}
}
