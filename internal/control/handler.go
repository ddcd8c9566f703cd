package control

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openchannels/pusher-go/internal/control/api"
	"github.com/openchannels/pusher-go/pushertest"
	"github.com/openchannels/pusher-go/signing"
)

var errNoOperation = &statusError{http.StatusNotFound, "the control API has no such method and path, see /control/openapi.yaml"}

// NewHandler returns the handler of the control API, for paths that begin with /control/.
// It must be behind [Guard.API].
func NewHandler(apps *Apps) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, r, errNoOperation)
	})
	o := &operator{apps}
	strict := api.NewStrictHandlerWithOptions(o, []api.StrictMiddlewareFunc{o.withCall},
		api.StrictHTTPServerOptions{RequestErrorHandlerFunc: writeError, ResponseErrorHandlerFunc: writeError})
	return api.HandlerWithOptions(strict, api.StdHTTPServerOptions{BaseRouter: validatingMux{mux}, ErrorHandlerFunc: writeError})
}

// A call is what the operations need to know of a request besides its parameters.
type call struct {
	app     *app   // of the path, or nil if the path has none
	baseURL string // at which the client reaches the server
}

type callKey struct{}

func callOf(ctx context.Context) call { return ctx.Value(callKey{}).(call) }

// An operator implements the operations. Their requests have been validated.
type operator struct{ apps *Apps }

// withCall adds the call to the context of an operation.
func (o *operator) withCall(next api.StrictHandlerFunc, _ string) api.StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (any, error) {
		c := call{baseURL: "http://" + r.Host}
		if r.TLS != nil {
			c.baseURL = "https://" + r.Host
		}
		if id := r.PathValue("app"); id != "" {
			if c.app = o.apps.get(id); c.app == nil {
				return nil, &statusError{http.StatusNotFound, fmt.Sprintf("there is no app %.100q", id)}
			}
		}
		return next(context.WithValue(ctx, callKey{}, c), w, r, request)
	}
}

func (o *operator) GetDocument(context.Context, api.GetDocumentRequestObject) (api.GetDocumentResponseObject, error) {
	return api.GetDocument200ApplicationYamlResponse{Body: bytes.NewReader(document), ContentLength: int64(len(document))}, nil
}

func (o *operator) ListApps(context.Context, api.ListAppsRequestObject) (api.ListAppsResponseObject, error) {
	apps := []api.App{}
	for _, app := range o.apps.all() {
		apps = append(apps, api.App{ID: app.App().ID, Key: app.App().Key})
	}
	return api.ListApps200JSONResponse{Apps: apps}, nil
}

func (o *operator) CreateApp(ctx context.Context, request api.CreateAppRequestObject) (api.CreateAppResponseObject, error) {
	var wanted api.NewApp
	if request.Body != nil {
		wanted = *request.Body
	}
	credentials := pushertest.App{
		ID:     cmp.Or(wanted.ID, strconv.FormatUint(uint64(mathrand.Uint32()), 10)), // several libraries accept only digits
		Key:    cmp.Or(wanted.Key, strings.ToLower(rand.Text())),
		Secret: cmp.Or(wanted.Secret, rand.Text()),
	}
	created, err := o.apps.add(credentials)
	if err != nil {
		return nil, err
	}
	url, err := created.PusherURLAt(callOf(ctx).baseURL)
	return api.CreateApp201JSONResponse{ID: credentials.ID, Key: credentials.Key, Secret: credentials.Secret, PusherURL: url}, err
}

func (o *operator) DeleteApp(ctx context.Context, request api.DeleteAppRequestObject) (api.DeleteAppResponseObject, error) {
	o.apps.remove(callOf(ctx).app)
	return api.DeleteApp204Response{}, nil
}

func (o *operator) ListEvents(ctx context.Context, request api.ListEventsRequestObject) (api.ListEventsResponseObject, error) {
	app := callOf(ctx).app
	params := request.Params
	matches := func(event pushertest.Event) bool {
		return (params.Channel == "" || event.Channel == params.Channel) && (params.Name == "" || event.Name == params.Name)
	}
	if params.Wait > 0 {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(params.Wait*float64(time.Second)))
		defer cancel()
		found := 0
		_, _ = app.WaitForEvent(ctx, func(event pushertest.Event) bool {
			if matches(event) {
				found++
			}
			return found >= params.Count
		})
	}
	events := []api.Event{}
	for _, event := range app.Events() {
		if matches(event) {
			events = append(events, formatEvent(event))
		}
	}
	return api.ListEvents200JSONResponse{Events: events}, nil
}

func formatEvent(event pushertest.Event) api.Event {
	user, _ := strings.CutPrefix(event.Channel, "#server-to-user-")
	if user == event.Channel {
		user = ""
	}
	return api.Event{Channel: event.Channel, Name: event.Name, Data: event.Data, SocketID: event.SocketID, UserID: user, Time: event.Time, Connections: event.Connections}
}

// TriggerEvent passes a panic of the server on that closes the connection, see
// [pushertest.Failure].
func (o *operator) TriggerEvent(ctx context.Context, request api.TriggerEventRequestObject) (api.TriggerEventResponseObject, error) {
	app := callOf(ctx).app
	credentials := app.App()
	body, err := json.Marshal(request.Body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/apps/"+credentials.ID+"/events", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	signer, err := signing.New(credentials.Key, credentials.Secret)
	if err != nil {
		return nil, err
	}
	if err := signer.Edit(ctx, r); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	if w.Code >= http.StatusMultipleChoices {
		return nil, &statusError{w.Code, strings.TrimSpace(w.Body.String())}
	}
	return api.TriggerEvent204Response{}, nil
}

func (o *operator) StreamApp(ctx context.Context, request api.StreamAppRequestObject) (api.StreamAppResponseObject, error) {
	app := callOf(ctx).app
	return api.StreamApp200ApplicationXNdjsonResponse{Body: openStream(ctx, app)}, nil
}

func (o *operator) ListConnections(ctx context.Context, request api.ListConnectionsRequestObject) (api.ListConnectionsResponseObject, error) {
	app := callOf(ctx).app
	all := app.Connections()
	connections := []api.Connection{}
	for _, c := range all[:min(len(all), request.Params.Limit)] {
		connections = append(connections, api.Connection{SocketID: c.SocketID, Client: c.Client, UserID: c.UserID, Channels: append([]string{}, c.Channels...), Opened: c.Opened})
	}
	return api.ListConnections200JSONResponse{Total: len(all), Connections: connections}, nil
}

func (o *operator) ListChannels(ctx context.Context, request api.ListChannelsRequestObject) (api.ListChannelsResponseObject, error) {
	app := callOf(ctx).app
	states := app.Channels()
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(states)), func(name string) bool {
		return !strings.HasPrefix(name, request.Params.Prefix)
	})
	channels := []api.Channel{}
	for _, name := range names[:min(len(names), request.Params.Limit)] {
		channel := api.Channel{Name: name, Subscriptions: states[name].Subscriptions, Users: states[name].Users}
		if cached := states[name].Cache; cached != nil {
			channel.Cached = api.CachedEvent{Name: cached.Name, Data: cached.Data}
		}
		channels = append(channels, channel)
	}
	return api.ListChannels200JSONResponse{Total: len(names), Channels: channels}, nil
}

func (o *operator) AddFailure(ctx context.Context, request api.AddFailureRequestObject) (api.AddFailureResponseObject, error) {
	app := callOf(ctx).app
	header := make(http.Header)
	for name, value := range request.Body.Headers {
		header.Set(name, value)
	}
	return api.AddFailure204Response{}, app.Fail(pushertest.Failure{
		Status:    request.Body.Status,
		CloseCode: request.Body.CloseCode,
		Body:      request.Body.Body,
		Header:    header,
		Times:     request.Body.Times,
		Match:     func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, request.Body.Path) },
	})
}

func (o *operator) SetDelay(ctx context.Context, request api.SetDelayRequestObject) (api.SetDelayResponseObject, error) {
	app := callOf(ctx).app
	app.Delay(time.Duration(request.Body.Milliseconds) * time.Millisecond)
	return api.SetDelay204Response{}, nil
}

func (o *operator) Disconnect(ctx context.Context, request api.DisconnectRequestObject) (api.DisconnectResponseObject, error) {
	app := callOf(ctx).app
	if request.Body == nil || request.Body.Code == 0 {
		app.DropConnections()
		return api.Disconnect204Response{}, nil
	}
	return api.Disconnect204Response{}, app.CloseConnections(request.Body.Code, request.Body.Reason)
}

func (o *operator) ResetApp(ctx context.Context, request api.ResetAppRequestObject) (api.ResetAppResponseObject, error) {
	app := callOf(ctx).app
	app.Reset()
	app.Delay(o.apps.delay)
	return api.ResetApp204Response{}, nil
}
