package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

// observed makes a span and a measurement of each request that next sends.
//
// The instrumentation records the whole URL, and the client's URLs are signed: who
// reads the traces could send the request once more within ten minutes. So it gets
// to see the request without its query, and the query comes back behind it.
// Nothing needs redaction afterwards, in whichever attribute it would have been.
func observed(next http.RoundTripper, opts ...otelhttp.Option) http.RoundTripper {
	opts = append([]otelhttp.Option{otelhttp.WithSpanNameFormatter(spanName)}, opts...)
	return conceal{otelhttp.NewTransport(reveal{next}, opts...)}
}

// signedURL is the key of a request's context for its URL.
type signedURL struct{}

// conceal takes the query away.
type conceal struct{ next http.RoundTripper }

func (c conceal) RoundTrip(req *http.Request) (*http.Response, error) {
	bare := *req.URL
	bare.RawQuery = ""
	hidden := req.WithContext(context.WithValue(req.Context(), signedURL{}, req.URL))
	hidden.URL = &bare
	return c.next.RoundTrip(hidden)
}

// reveal gives it back.
type reveal struct{ next http.RoundTripper }

func (r reveal) RoundTrip(req *http.Request) (*http.Response, error) {
	if signed, ok := req.Context().Value(signedURL{}).(*url.URL); ok {
		req = req.WithContext(req.Context())
		req.URL = signed
	}
	return r.next.RoundTrip(req)
}

// spanName is the operation without the names of apps, channels and users, of
// which there are too many for a span's name.
func spanName(_ string, req *http.Request) string {
	segments := strings.Split(req.URL.Path, "/") // "", apps, APP_ID, channels, NAME, users
	for i, placeholder := range map[int]string{2: "{app_id}", 4: "{name}"} {
		if i < len(segments) {
			segments[i] = placeholder
		}
	}
	return req.Method + " " + strings.Join(segments, "/")
}

// pooled is a transport with enough idle connections for concurrent publishers: a
// client that is given a transport leaves it as it is, and two a host are the
// default.
func pooled() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 256
	return transport
}
