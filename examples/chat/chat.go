package main

import (
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/pusher"
)

// The channels of the chat. The page uses the same names.
const (
	peopleChannel = "presence-people"
	hooksChannel  = "private-cache-webhooks"
)

var rooms = [...]string{"lobby", "private-team", "private-encrypted-vault"}

const (
	maxNameRunes = 40
	maxTextRunes = 1000
	maxBodyBytes = 16 << 10

	// pusherCDN is the address of pusher-js if there is no local copy.
	pusherCDN = "https://js.pusher.com/8.4/pusher-with-encryption.min.js"
)

//go:embed page
var page embed.FS

var index = template.Must(template.ParseFS(page, "page/index.html"))

type chat struct {
	client   *pusher.Client
	browser  settings
	sessions *sessions
}

// newChat returns the handler of the app. It serves the page, the requests that the page
// sends, and three endpoints that receive requests of pusher-js and of Pusher.
func newChat(client *pusher.Client, browser settings, library string) http.Handler {
	c := &chat{client: client, browser: browser, sessions: newSessions()}
	hooks := &hookLog{client: client, sessions: c.sessions}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.index)
	mux.HandleFunc("GET /page/", http.FileServerFS(page).ServeHTTP)
	mux.HandleFunc("GET /pusher.js", servePusherJS(library))
	mux.HandleFunc("POST /session", c.join)
	mux.HandleFunc("POST /messages", c.post)
	mux.HandleFunc("POST /waves", c.wave)
	mux.Handle("POST /pusher/auth", client.Authorizer().ChannelHandler(c.authorize))
	mux.Handle("POST /pusher/user-auth", client.Authorizer().UserHandler(c.authenticate))
	mux.Handle("POST /webhook", client.WebhookVerifier().Handler(hooks.receive))
	return http.NewCrossOriginProtection().Handler(mux)
}

func (c *chat) index(w http.ResponseWriter, r *http.Request) {
	data := struct {
		settings
		User *user `json:"user"`
	}{settings: c.browser}
	if u, found := c.sessions.user(r); found {
		data.User = &u
	}
	w.Header().Set("Content-Security-Policy", "default-src 'self'; script-src 'self' https://js.pusher.com; connect-src 'self' ws: wss: https:")
	w.Header().Set("Cache-Control", "no-store")
	if err := index.Execute(w, data); err != nil {
		http.Error(w, "cannot render the page", http.StatusInternalServerError)
	}
}

// servePusherJS serves a local copy of pusher-js, or redirects to Pusher's.
func servePusherJS(file string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat(file); err != nil {
			http.Redirect(w, r, pusherCDN, http.StatusFound)
			return
		}
		http.ServeFile(w, r, file)
	}
}

func (c *chat) join(w http.ResponseWriter, r *http.Request) {
	var request struct{ Name string }
	if !decode(w, r, &request) {
		return
	}
	name := strings.TrimSpace(request.Name)
	if n := utf8.RuneCountInString(name); n < 1 || n > maxNameRunes {
		http.Error(w, "a name has 1 to 40 characters", http.StatusBadRequest)
		return
	}
	respond(w, c.sessions.begin(w, name))
}

// message is a message in a room.
type message struct {
	From user   `json:"from"`
	Text string `json:"text"`
}

// post publishes a message to the room. The sender's connection is excluded, because
// its page shows the message when it receives the response.
func (c *chat) post(w http.ResponseWriter, r *http.Request) {
	u, found := c.sessions.user(r)
	if !found {
		http.Error(w, "no session", http.StatusForbidden)
		return
	}
	var request struct {
		Room, Text string
		SocketID   string `json:"socket_id"`
	}
	if !decode(w, r, &request) {
		return
	}
	if n := utf8.RuneCountInString(request.Text); n < 1 || n > maxTextRunes || !slices.Contains(rooms[:], request.Room) {
		http.Error(w, "a message has a room and 1 to 1000 characters", http.StatusBadRequest)
		return
	}
	m := message{From: u, Text: request.Text}
	_, err := c.client.Trigger(r.Context(), request.Room, "message", m, pusher.ExcludeSocket(request.SocketID))
	if delivered(w, err) {
		respond(w, m)
	}
}

// wave publishes an event to all connections of one user.
func (c *chat) wave(w http.ResponseWriter, r *http.Request) {
	u, found := c.sessions.user(r)
	if !found {
		http.Error(w, "no session", http.StatusForbidden)
		return
	}
	var request struct {
		To string `json:"to"`
	}
	if !decode(w, r, &request) {
		return
	}
	if delivered(w, c.client.SendToUser(r.Context(), request.To, "wave", u)) {
		respond(w, request)
	}
}

// authorize permits everyone with a session to subscribe to every channel of the chat.
func (c *chat) authorize(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
	u, found := c.sessions.user(r)
	known := slices.Contains(rooms[:], request.Channel) || request.Channel == peopleChannel || request.Channel == hooksChannel
	if !found || !known {
		return nil, auth.ErrForbidden
	}
	return &auth.Member{UserID: u.ID, UserInfo: u}, nil
}

func (c *chat) authenticate(r *http.Request) (*auth.User, error) {
	u, found := c.sessions.user(r)
	if !found {
		return nil, auth.ErrForbidden
	}
	return &auth.User{ID: u.ID, Info: u}, nil
}

// decode decodes the body of a request, or responds with an error.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBodyBytes)).Decode(into)
	if err != nil {
		http.Error(w, "want a JSON object", http.StatusBadRequest)
	}
	return err == nil
}

// delivered reports whether err is nil, and otherwise responds with an error. The
// details are logged, not sent to the browser.
func delivered(w http.ResponseWriter, err error) bool {
	switch {
	case err == nil:
		return true
	case errors.Is(err, pusher.ErrInvalid):
		http.Error(w, "invalid message", http.StatusBadRequest)
	default:
		slog.Error("not delivered", "error", err)
		http.Error(w, "not delivered, try again", http.StatusBadGateway)
	}
	return false
}

func respond(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the browser may have disconnected
}
