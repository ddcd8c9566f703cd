package pusher

import (
	"errors"
	"net"
	"net/http"
	"time"
)

// A sender sends a request once and follows no redirect: a followed 301 turns a
// POST into an empty GET that "succeeds".
type sender interface {
	Do(*http.Request) (*http.Response, error)
}

// senderOf leaves [http.Client] out where it adds nothing but its cost: redirects
// are not followed, and the context of each try is the timeout, which leaves the
// cookies. The client is copied, not changed.
func senderOf(client *http.Client) sender {
	hc := *client
	switch {
	case hc.Jar != nil:
		hc.Timeout = 0
		hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return &hc
	case hc.Transport != nil:
		return bare{hc.Transport}
	}
	return bare{http.DefaultTransport}
}

// bare is a transport alone.
type bare struct{ http.RoundTripper }

// Do makes good what a transport made by hand may leave out.
func (b bare) Do(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errors.New("the transport gave neither an answer nor an error")
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	return resp, nil
}

func newHTTPTransport(cfg *config) *http.Transport {
	proxy := http.ProxyFromEnvironment
	if cfg.proxy != nil {
		proxy = http.ProxyURL(cfg.proxy)
	}
	return &http.Transport{
		Proxy: proxy,
		// A dial goes on when the request that wanted it has ended; without a limit of
		// its own, for minutes.
		DialContext: (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		// All requests go to one host: with the default of 2, concurrent publishers
		// would connect anew most of the time.
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		// Answers have some hundred bytes of header; the default is 10 MiB.
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
}
