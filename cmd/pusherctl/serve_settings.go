package main

import (
	"net"
	"net/url"
	"text/template"
)

// An address is where an app is reached, as the templates below and --json print it.
type address struct {
	ID            string `json:"app_id"`
	Key           string `json:"key"`
	Secret        string `json:"secret"`
	Host          string `json:"host"` // with brackets if it is an IPv6 address, as libraries need it
	Port          string `json:"port"`
	Scheme        string `json:"scheme"`
	URL           string `json:"url"` // PUSHER_URL
	TLS           bool   `json:"tls"`
	Certificate   string `json:"certificate,omitempty"`   // file
	Control       string `json:"control,omitempty"`       // URL of the control API
	ControlToken  string `json:"control_token,omitempty"` // if it was created at the start
	AuthEndpoints bool   `json:"-"`
}

var settingsText = template.Must(template.New("settings").Parse(`
Host {{.Host}}, port {{.Port}}, scheme {{.Scheme}}, app ID {{.ID}}, key {{.Key}}, secret {{.Secret}}

pusher-js   new Pusher("{{.Key}}", { cluster: "", wsHost: "{{.Host}}", wsPort: {{.Port}}, wssPort: {{.Port}},
              forceTLS: {{.TLS}}, enabledTransports: ["ws", "wss"]
            {{- if .AuthEndpoints}},
              channelAuthorization: { endpoint: "{{.Scheme}}://{{.Host}}:{{.Port}}/pusher/auth" },
              userAuthentication: { endpoint: "{{.Scheme}}://{{.Host}}:{{.Port}}/pusher/user-auth" }{{end}} })
Echo        new Echo({ broadcaster: "pusher", key: "{{.Key}}", cluster: "", wsHost: "{{.Host}}", wsPort: {{.Port}},
              wssPort: {{.Port}}, forceTLS: {{.TLS}}, enabledTransports: ["ws", "wss"]
            {{- if .AuthEndpoints}},
              authEndpoint: "{{.Scheme}}://{{.Host}}:{{.Port}}/pusher/auth",
              userAuthentication: { endpoint: "{{.Scheme}}://{{.Host}}:{{.Port}}/pusher/user-auth" }{{end}} })
Laravel     BROADCAST_CONNECTION=pusher
.env        PUSHER_APP_ID={{.ID}}
            PUSHER_APP_KEY={{.Key}}
            PUSHER_APP_SECRET={{.Secret}}
            PUSHER_APP_CLUSTER=mt1
            PUSHER_HOST={{.Host}}
            PUSHER_PORT={{.Port}}
            PUSHER_SCHEME={{.Scheme}}
Rails       Pusher.url = "{{.URL}}"
Django      pusher.Pusher(app_id="{{.ID}}", key="{{.Key}}", secret="{{.Secret}}",
              host="{{.Host}}", port={{.Port}}, ssl={{if .TLS}}True{{else}}False{{end}})
Node        new Pusher({ appId: "{{.ID}}", key: "{{.Key}}", secret: "{{.Secret}}",
              host: "{{.Host}}", port: "{{.Port}}", useTLS: {{.TLS}} })
Go, shell   export PUSHER_URL={{.URL}}
`))

var trustText = template.Must(template.New("trust").Parse(`
The certificate is {{.File}}. To trust it:
Chromium    --user-data-dir=$(mktemp -d) --ignore-certificate-errors-spki-list={{.SPKI}}
Linux       certutil -d sql:$HOME/.pki/nssdb -A -t P,, -n pusherctl -i {{.File}}
macOS       security add-trusted-cert -p ssl -k ~/Library/Keychains/login.keychain-db {{.File}}
Windows     certutil -user -addstore Root {{.File}}
Node        export NODE_EXTRA_CA_CERTS={{.File}}
Go, curl    export SSL_CERT_FILE={{.File}}, or --cacert of pusherctl and curl
Firefox     opens {{.URL}} and accepts it
`))

// printServed prints the settings of all apps and how to trust the certificate, if there
// is one.
func (t *tool) printServed(s service, apps []servedApp, addr net.Addr, cert *certificate, token string) error {
	host, port := reachable(addr)
	all := address{Host: host, Port: port, Scheme: "http", AuthEndpoints: s.authEndpoints}
	if cert != nil {
		all.Scheme, all.TLS, all.Certificate = "https", true, cert.file
	}
	server := all.Scheme + "://" + host + ":" + port
	if s.console {
		all.Control, all.ControlToken = server+"/control", token
	}
	for _, app := range apps {
		a := all
		a.ID, a.Key, a.Secret = app.ID, app.Key, app.Secret
		secret := url.QueryEscape(app.Secret)
		if !app.secretPublic && !s.showSecrets {
			a.Secret, secret = "(of "+app.source+")", "SECRET"
		}
		a.URL = all.Scheme + "://" + url.QueryEscape(app.Key) + ":" + secret + "@" + host + ":" + port + "/apps/" + app.ID
		var err error
		if t.json {
			err = t.printJSON(a)
		} else {
			err = settingsText.Execute(t.stdout, a)
		}
		if err != nil {
			return err
		}
	}
	if cert != nil && cert.selfSigned && !t.json {
		if err := trustText.Execute(t.stdout, map[string]string{"File": cert.file, "SPKI": cert.spki(), "URL": server + "/health"}); err != nil {
			return err
		}
	}
	if s.console && !t.json {
		page := server + "/console/"
		if token != "" {
			page += "#token=" + token
		}
		if err := t.printf("\nConsole     %s", page); err != nil {
			return err
		}
	}
	return t.printf("\nListening on %s. Press Ctrl-C to stop.\n", server)
}

// reachable returns the host, with brackets around an IPv6 address, and the port to reach
// a listener on this machine.
func reachable(addr net.Addr) (host, port string) {
	host, port, _ = net.SplitHostPort(addr.String())
	ip := net.ParseIP(host)
	switch {
	case ip == nil:
	case ip.IsUnspecified():
		host = "localhost"
	case ip.To4() == nil:
		host = "[" + host + "]"
	}
	return host, port
}
