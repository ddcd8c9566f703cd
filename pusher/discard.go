package pusher

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/openchannels/pusher-go/gen"
)

// WithDiscard makes the client send nothing, for tests and development: arguments are
// validated, encoded and signed, each event is logged at level debug, and every query
// reports vacant channels. The environment variable PUSHER_URL=discard:
// has the same effect and needs no credentials.
func WithDiscard() Option {
	return func(c *config) error {
		c.discard = true
		return nil
	}
}

// discarder is the http.RoundTripper of a client that sends nothing.
type discarder struct{ logger func() *slog.Logger }

func (d discarder) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		_ = req.Body.Close()
		d.logEvents(req, body)
	}
	body := "{}"
	switch {
	case req.Method != http.MethodGet:
	case strings.HasSuffix(req.URL.Path, "/channels"):
		body = `{"channels":{}}`
	case strings.HasSuffix(req.URL.Path, "/users"):
		body = `{"users":[]}`
	case strings.Contains(req.URL.Path, "/channels/"):
		body = `{"occupied":false}`
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: req,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

func (d discarder) logEvents(req *http.Request, body []byte) {
	logger := d.logger()
	if !logger.Enabled(req.Context(), slog.LevelDebug) {
		return
	}
	var request struct {
		gen.TriggerRequest
		Batch []gen.BatchEvent `json:"batch"`
	}
	if json.Unmarshal(body, &request) != nil {
		return
	}
	if request.Channel != nil {
		request.Channels = append(request.Channels, *request.Channel)
	}
	for _, channel := range request.Channels {
		request.Batch = append(request.Batch, gen.BatchEvent{Channel: channel, Name: request.Name, Data: request.Data})
	}
	for _, event := range request.Batch {
		logger.DebugContext(req.Context(), "pusher: event discarded", "channel", event.Channel, "event", event.Name, "bytes", len(event.Data))
	}
}
