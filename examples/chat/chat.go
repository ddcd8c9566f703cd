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

// The channels of the chat. The page knows them by the same names.
const (
	peopleChannel = "presence-people"
	hooksChannel  = "private-cache-webhooks"
)

var rooms = [...]string{"lobby", "private-team", "private-encrypted-vault"}

const (
	maxNameRunes = 40
	maxTextRunes = 1000
	maxBodyBytes = 16 << 10

	// pusherCDN has pusher-js where there is no copy at hand.
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

// newChat is the app's server: the page, what the page posts, and the three
// endpoints that Pusher's libraries and Pusher itself call.
func newChat(client *pusher.Client, browser settings, library string) http.Handler {
	c := &chat{client: client, browser: browser, sessions: newSessions()}
	hooks := &hookLog{client: client, sessions: c.sessions}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.index)
	mux.HandleFunc("GET /page/", http.FileServerFS(page).ServeHTTP)
	mux.HandleFunc("GET /pusher.js", servePusherJS(library))
	mux.HandleFunc("POST /session", c.join)
	mux.HandleFunc("POST /messages", c.say)
	mux.HandleFunc("POST /waves", c.wave)
	mux.Handle("POST /pusher/auth", client.Authorizer().ChannelHandler(c.maySubscribe))
	mux.Handle("POST /pusher/user-auth", client.Authorizer().UserHandler(c.whoIs))
	mux.Handle("POST /webhook", client.Webhooks().Handler(hooks.receive))
	return http.NewCrossOriginProtection().Handler(mux)
}

func (c *chat) index(w http.ResponseWriter, r *http.Request) {
	shown := struct {
		settings
		User *user `json:"user"`
	}{settings: c.browser}
	if u, found := c.sessions.of(r); found {
		shown.User = &u
	}
	w.Header().Set("Content-Security-Policy", "default-src 'self'; script-src 'self' https://js.pusher.com; connect-src 'self' ws: wss: https:")
	w.Header().Set("Cache-Control", "no-store")
	if err := index.Execute(w, shown); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
	}
}

// servePusherJS hands out a copy of pusher-js, or sends the browser to Pusher's.
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
	var asked struct{ Name string }
	if !decode(w, r, &asked) {
		return
	}
	name := strings.TrimSpace(asked.Name)
	if n := utf8.RuneCountInString(name); n < 1 || n > maxNameRunes {
		http.Error(w, "a name has 1 to 40 characters", http.StatusBadRequest)
		return
	}
	answer(w, c.sessions.begin(w, name))
}

// message is what someone said in a room.
type message struct {
	From user   `json:"from"`
	Text string `json:"text"`
}

// say publishes to everyone in the room but the connection it comes from, which
// shows its own message when it has the answer.
func (c *chat) say(w http.ResponseWriter, r *http.Request) {
	u, found := c.sessions.of(r)
	if !found {
		http.Error(w, "no session", http.StatusForbidden)
		return
	}
	var said struct {
		Room, Text string
		SocketID   string `json:"socket_id"`
	}
	if !decode(w, r, &said) {
		return
	}
	if n := utf8.RuneCountInString(said.Text); n < 1 || n > maxTextRunes || !slices.Contains(rooms[:], said.Room) {
		http.Error(w, "a message has a room and 1 to 1000 characters", http.StatusBadRequest)
		return
	}
	m := message{From: u, Text: said.Text}
	_, err := c.client.Trigger(r.Context(), said.Room, "message", m, pusher.ExcludeSocket(said.SocketID))
	if delivered(w, err) {
		answer(w, m)
	}
}

// wave reaches one user, on all of the user's connections.
func (c *chat) wave(w http.ResponseWriter, r *http.Request) {
	u, found := c.sessions.of(r)
	if !found {
		http.Error(w, "no session", http.StatusForbidden)
		return
	}
	var asked struct {
		To string `json:"to"`
	}
	if !decode(w, r, &asked) {
		return
	}
	if delivered(w, c.client.SendToUser(r.Context(), asked.To, "wave", u)) {
		answer(w, asked)
	}
}

// maySubscribe lets everyone with a session into every channel of the chat.
func (c *chat) maySubscribe(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
	u, found := c.sessions.of(r)
	known := slices.Contains(rooms[:], request.Channel) || request.Channel == peopleChannel || request.Channel == hooksChannel
	if !found || !known {
		return nil, auth.ErrForbidden
	}
	return &auth.Member{UserID: u.ID, UserInfo: u}, nil
}

func (c *chat) whoIs(r *http.Request) (*auth.User, error) {
	u, found := c.sessions.of(r)
	if !found {
		return nil, auth.ErrForbidden
	}
	return &auth.User{ID: u.ID, Info: u}, nil
}

// decode reads what the page has posted, or answers that it cannot.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBodyBytes)).Decode(into)
	if err != nil {
		http.Error(w, "want a JSON object", http.StatusBadRequest)
	}
	return err == nil
}

// delivered answers for a call that failed. The reason is the app's business and
// goes to its log.
func delivered(w http.ResponseWriter, err error) bool {
	switch {
	case err == nil:
		return true
	case errors.Is(err, pusher.ErrInvalid):
		http.Error(w, "this cannot be sent", http.StatusBadRequest)
	default:
		slog.Error("not delivered", "error", err)
		http.Error(w, "not delivered, try again", http.StatusBadGateway)
	}
	return false
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the page may have gone
}
