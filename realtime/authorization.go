package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/internal/encryption"
	"github.com/openchannels/pusher-go/internal/protocol"
)

// maxResponseBytes limits the response of an endpoint. A member has at most 1 KB.
const maxResponseBytes = 64 << 10

// An authorization is what a subscription needs. The zero value is that of a public
// channel.
type authorization struct {
	auth, channelData string
	key               *encryption.ChannelKey
}

// authorizeChannel requests the authorization of a channel.
func (c *config) authorizeChannel(ctx context.Context, socketID, channel string, member *auth.Member) (authorization, *Error) {
	var response *auth.ChannelAuthorization
	var err error
	switch {
	case c.channelEndpoint != nil:
		response = &auth.ChannelAuthorization{}
		err = c.channelEndpoint.post(ctx, c.client, url.Values{"socket_id": {socketID}, "channel_name": {channel}}, response)
	case protocol.IsPresence(channel):
		response, err = c.authorizer.AuthorizePresence(socketID, channel, *member)
	default:
		response, err = c.authorizer.AuthorizePrivate(socketID, channel)
	}
	switch {
	case err != nil:
		return authorization{}, authError(ctx, err)
	case response == nil || response.Auth == "":
		return authorization{}, &Error{Kind: ErrAuthorization, Err: errors.New("the authorization has no auth")}
	}
	a := authorization{auth: response.Auth, channelData: response.ChannelData}
	if protocol.IsEncrypted(channel) {
		if a.key, err = encryption.ParseSharedSecret(response.SharedSecret); err != nil {
			return authorization{}, &Error{Kind: ErrAuthorization, Err: err}
		}
	}
	return a, nil
}

// authenticateUser requests the authentication of the user who signs in.
func (c *config) authenticateUser(ctx context.Context, socketID string, user auth.User) (signinData, *Error) {
	var response *auth.UserAuthentication
	var err error
	if c.userEndpoint != nil {
		response = &auth.UserAuthentication{}
		err = c.userEndpoint.post(ctx, c.client, url.Values{"socket_id": {socketID}}, response)
	} else {
		response, err = c.authorizer.AuthenticateUser(socketID, user)
	}
	switch {
	case err != nil:
		return signinData{}, authError(ctx, err)
	case response == nil || response.Auth == "" || response.UserData == "":
		return signinData{}, &Error{Kind: ErrAuthorization, Err: errors.New("the authentication has no auth or no user_data")}
	}
	return signinData{Auth: response.Auth, UserData: response.UserData}, nil
}

// authError returns the error of an authorizer or an endpoint. Only ErrAuthorization is
// worth a retry.
func authError(ctx context.Context, err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case ctx.Err() != nil:
		return &Error{Kind: ErrAuthorization, Err: context.Cause(ctx)}
	}
	for _, kind := range []error{auth.ErrForbidden, ErrInvalid, ErrConfiguration} {
		if errors.Is(err, kind) {
			if kind == auth.ErrForbidden {
				kind = ErrForbidden
			}
			return &Error{Kind: kind, Err: safe(err)}
		}
	}
	return &Error{Kind: ErrAuthorization, Err: safe(err)}
}

// An endpoint is a URL of the app that authorizes channels or authenticates users.
type endpoint struct {
	url    string
	header http.Header
}

// post sends a form and decodes the response. Only status 200 is a success, as in
// pusher-js.
func (e *endpoint) post(ctx context.Context, client *http.Client, form url.Values, response any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	for name, values := range e.header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(request)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) { // whose text has the URL, which may have a token
			err = withURL.Err
		}
		return &Error{Kind: ErrAuthorization, Err: safe(err)}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseBytes+1))
	switch {
	case err != nil:
		return &Error{Kind: ErrAuthorization, Status: resp.StatusCode, Err: safe(err)}
	case resp.StatusCode != http.StatusOK:
		return &Error{Kind: statusKind(resp.StatusCode), Status: resp.StatusCode, Message: line(string(body))}
	case len(body) > maxResponseBytes:
		return &Error{Kind: ErrAuthorization, Status: resp.StatusCode, Err: fmt.Errorf("the response is larger than %d bytes", maxResponseBytes)}
	}
	if json.Unmarshal(body, response) != nil {
		return &Error{Kind: ErrAuthorization, Status: resp.StatusCode, Err: errors.New("the response is not the JSON of an authorization")}
	}
	return nil
}

func statusKind(status int) error {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return ErrAuthorization
	}
	if status >= 400 && status < 500 {
		return ErrForbidden
	}
	return ErrAuthorization
}
