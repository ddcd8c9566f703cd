package main

import (
	"cmp"
	"log/slog"
	"net/http"
	"strings"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/internal/control"
)

// addAuthEndpoints adds endpoints that allow everything to everybody, from pages of any
// origin. The parameter app_key of the query selects an app other than the first, and
// user_id, in the query or the form, the user.
func addAuthEndpoints(mux *http.ServeMux, apps *control.Apps, logger *slog.Logger) {
	add := func(path string, handler func(*auth.Authorizer) http.Handler) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			allowOrigin(w, r)
			if r.Method == http.MethodOptions {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			app, ok := apps.ByKey(r.URL.Query().Get("app_key"))
			authorizer, err := auth.New(app.Key, app.Secret, auth.WithLogger(logger))
			if !ok || err != nil {
				logger.Warn("authorization rejected", "path", path, "reason", "no app has the key in app_key")
				http.Error(w, "unknown app_key", http.StatusNotFound)
				return
			}
			handler(authorizer).ServeHTTP(w, r)
		})
	}
	add("/pusher/auth", func(authorizer *auth.Authorizer) http.Handler {
		return authorizer.ChannelHandler(func(r *http.Request, request auth.ChannelRequest) (*auth.Member, error) {
			if !strings.HasPrefix(request.Channel, "presence-") {
				return nil, nil
			}
			id := userOf(r)
			return &auth.Member{UserID: id, UserInfo: map[string]string{"name": id}}, nil
		})
	})
	add("/pusher/user-auth", func(authorizer *auth.Authorizer) http.Handler {
		return authorizer.UserHandler(func(r *http.Request) (*auth.User, error) {
			id := userOf(r)
			return &auth.User{ID: id, Info: map[string]string{"name": id}}, nil
		})
	})
}

// allowOrigin allows a page to read the response of a request with its cookies.
func allowOrigin(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	header := w.Header()
	header.Add("Vary", "Origin")
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Credentials", "true")
	header.Set("Access-Control-Allow-Methods", "POST")
	if names := r.Header.Get("Access-Control-Request-Headers"); names != "" {
		header.Set("Access-Control-Allow-Headers", names)
	}
}

// userOf returns user_id, or an ID for the connection.
func userOf(r *http.Request) string {
	return cmp.Or(r.URL.Query().Get("user_id"), r.PostForm.Get("user_id"), "user-"+r.PostForm.Get("socket_id"))
}
