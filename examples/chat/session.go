package main

import (
	"crypto/rand"
	"net/http"
	"sync"
)

// A user is a participant. Two users may have the same name, but not the same ID.
type user struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

const cookieName = "chat-session"

// sessions maps cookies to users, in memory.
type sessions struct {
	mu      sync.Mutex
	byToken map[string]user
	names   map[string]string // by ID
}

func newSessions() *sessions {
	return &sessions{byToken: map[string]user{}, names: map[string]string{}}
}

// begin starts a session.
func (s *sessions) begin(w http.ResponseWriter, name string) user {
	token, u := rand.Text(), user{ID: rand.Text()[:8], Name: name}
	s.mu.Lock()
	s.byToken[token], s.names[u.ID] = u, name
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return u
}

// user returns the user of the request's session.
func (s *sessions) user(r *http.Request) (user, bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return user{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, found := s.byToken[cookie.Value]
	return u, found
}

// name returns the name of the user with this ID, or the ID if it is unknown.
func (s *sessions) name(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, found := s.names[id]; found {
		return name
	}
	return id
}
