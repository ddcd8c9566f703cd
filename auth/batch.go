package auth

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxBatchChannels limits how often the app's function is called for one request. The
// doc comment of ChannelHandler states it.
const maxBatchChannels = 100

const batchFieldPrefix = "channel_name["

// A batchResult is the result for one channel of a batch, as pusher-js-auth expects
// it. Without data, the plugin passes the status to the error handler of the
// subscription.
type batchResult struct {
	Status int                   `json:"status"`
	Data   *ChannelAuthorization `json:"data,omitempty"`
}

// hasBatchField reports whether the name of a field begins with channel_name[, even if
// its index is invalid.
func hasBatchField(fields url.Values) bool {
	for name := range fields {
		if strings.HasPrefix(name, batchFieldPrefix) {
			return true
		}
	}
	return false
}

func (a *Authorizer) authorizeBatch(r *http.Request, socketID string, fields url.Values, authorize func(*http.Request, ChannelRequest) (*Member, error)) (map[string]batchResult, error) {
	if len(r.PostForm) == 0 {
		return nil, rejection(http.StatusBadRequest, errors.New("batch is not a form"))
	}
	channels, err := batchChannels(fields)
	if err != nil {
		return nil, rejection(http.StatusBadRequest, err)
	}
	results := make(map[string]batchResult, len(channels))
	rejected := make(map[int][]error) // by status code
	for _, channel := range channels {
		authorization, err := a.authorizeChannel(r, ChannelRequest{socketID, channel}, authorize)
		if err != nil {
			status := statusOf(err)
			results[channel] = batchResult{Status: status}
			rejected[status] = append(rejected[status], err)
			continue
		}
		results[channel] = batchResult{Status: http.StatusOK, Data: authorization}
	}
	// One line per status code, so that a request cannot fill the log.
	for _, status := range slices.Sorted(maps.Keys(rejected)) {
		a.logRejection(r, status, rejected[status][0],
			slog.Int("rejected_channels", len(rejected[status])), slog.Int("channels", len(channels)))
	}
	return results, nil
}

// batchChannels returns the values of channel_name[0], channel_name[1] and so on, in
// order of the index. It does not check the names of the channels.
func batchChannels(fields url.Values) ([]string, error) {
	if fields.Has("channel_name") {
		return nil, errors.New("form has both channel_name and channel_name[0]")
	}
	byIndex := make(map[int]string)
	for field := range fields {
		text, ok := strings.CutPrefix(field, batchFieldPrefix)
		if !ok {
			continue
		}
		index, err := strconv.Atoi(strings.TrimSuffix(text, "]"))
		if err != nil || index < 0 || strconv.Itoa(index)+"]" != text {
			return nil, fmt.Errorf("batch field has no valid index: %.50q", field)
		}
		if len(fields[field]) != 1 {
			return nil, fmt.Errorf("batch field is repeated: %q", field)
		}
		byIndex[index] = fields[field][0]
	}
	if len(byIndex) > maxBatchChannels {
		return nil, fmt.Errorf("batch has %d channels, at most %d are allowed", len(byIndex), maxBatchChannels)
	}
	channels := make([]string, 0, len(byIndex))
	for _, index := range slices.Sorted(maps.Keys(byIndex)) {
		channel := byIndex[index]
		if slices.Contains(channels, channel) {
			return nil, fmt.Errorf("channel is repeated: %.200q", channel)
		}
		channels = append(channels, channel)
	}
	return channels, nil
}
