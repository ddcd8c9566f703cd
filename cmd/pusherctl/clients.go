package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
	"github.com/openchannels/pusher-go/realtime"
	"github.com/openchannels/pusher-go/webhook"
)

// check returns a usageError that names the settings that are missing.
func (s *settings) check(app ...*setting) error {
	var missing []string
	for _, one := range app {
		if one.isSet() {
			continue
		}
		switch one {
		case &s.appID:
			missing = append(missing, "app ID (--app-id or PUSHER_APP_ID)")
		case &s.key:
			missing = append(missing, "key (--key or PUSHER_APP_KEY)")
		case &s.secret:
			missing = append(missing, "secret (PUSHER_APP_SECRET)")
		}
	}
	if missing != nil {
		return usagef("no %s found in flags, the environment and .env; PUSHER_URL sets all", strings.Join(missing, ", no "))
	}
	return nil
}

// httpClient returns a client that trusts the certificates of --cacert.
func (s *settings) httpClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if s.roots != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: s.roots}
	}
	return &http.Client{Transport: transport}
}

// client returns a client of the HTTP API.
func (s *settings) client(opts ...pusher.Option) (*pusher.Client, error) {
	if err := s.check(&s.appID, &s.key, &s.secret); err != nil {
		return nil, err
	}
	all := []pusher.Option{
		pusher.WithBaseURL(s.baseURL()), pusher.WithTimeout(s.timeout), pusher.WithLogger(s.logger), pusher.WithVacantOnNotFound(),
	}
	if s.roots != nil {
		all = append(all, pusher.WithHTTPClient(s.httpClient()))
	}
	if s.pathPrefix.isSet() {
		all = append(all, pusher.WithPathPrefix(s.pathPrefix.value))
	}
	if s.masterKey.isSet() {
		all = append(all, pusher.WithEncryptionMasterKey(s.masterKey.value))
	}
	app := pusher.Credentials{AppID: s.appID.value, Key: s.key.value, Secret: s.secret.value}
	return pusher.New(app, append(all, opts...)...)
}

// authorizer returns an authorizer with the app's key and secret.
func (s *settings) authorizer() (*auth.Authorizer, error) {
	if err := s.check(&s.key, &s.secret); err != nil {
		return nil, err
	}
	opts := []auth.Option{auth.WithLogger(s.logger)}
	if s.masterKey.isSet() {
		opts = append(opts, auth.WithEncryptionMasterKey(s.masterKey.value))
	}
	return auth.New(s.key.value, s.secret.value, opts...)
}

// connect opens a WebSocket connection. It authorizes subscriptions itself if the secret
// is set.
func (s *settings) connect(ctx context.Context, opts ...realtime.Option) (*realtime.Conn, error) {
	if err := s.check(&s.key); err != nil {
		return nil, err
	}
	all := []realtime.Option{realtime.WithLogger(s.logger), realtime.WithTimeout(s.timeout)}
	if s.roots != nil {
		all = append(all, realtime.WithHTTPClient(s.httpClient()))
	}
	if s.secret.isSet() {
		authorizer, err := s.authorizer()
		if err != nil {
			return nil, err
		}
		all = append(all, realtime.WithAuthorizer(authorizer))
	}
	return realtime.Connect(ctx, s.webSocketURL(), append(all, opts...)...)
}

// verifier returns a verifier of the app's webhooks.
func (s *settings) verifier() (*webhook.Verifier, error) {
	if err := s.check(&s.key, &s.secret); err != nil {
		return nil, err
	}
	opts := []webhook.Option{webhook.WithLogger(s.logger)}
	if s.masterKey.isSet() {
		opts = append(opts, webhook.WithEncryptionMasterKey(s.masterKey.value))
	}
	return webhook.New(s.key.value, s.secret.value, opts...)
}

// client returns a client for the settings.
func (t *tool) client(opts ...pusher.Option) (*pusher.Client, error) {
	s, err := t.settings()
	if err != nil {
		return nil, err
	}
	return s.client(opts...)
}

func readRoots(name string) (*x509.CertPool, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, usagef("--cacert: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, usagef("--cacert: %s has no certificate in PEM", name)
	}
	return roots, nil
}
