package main

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openchannels/pusher-go/auth"
	"github.com/openchannels/pusher-go/realtime"
)

// A listener has the flags of listen.
type listener struct {
	events       []string
	filter       string
	user, info   string
	signIn       bool
	authEndpoint string
	userEndpoint string
	header       []string
	count        int
}

func (t *tool) listenCommand() *cobra.Command {
	var l listener
	command := &cobra.Command{
		Use:   "listen CHANNEL...",
		Short: "Print events as they arrive",
		Long: `Subscribe to channels and print their events until Ctrl-C, or until --count messages
have arrived. A lost connection is opened again; what was sent meanwhile is a gap in the output.

Private, presence and encrypted channels need the secret, with which pusherctl authorizes
itself, or --auth-endpoint, an endpoint of the app that decides as it does for browsers.
On presence channels pusherctl is a visible member, --user.

Events go to standard output, changes of the connection to standard error.`,
		Example: `  pusherctl listen news sport
  pusherctl listen news --event 'price-*' --filter '"symbol":"ACME"' --json
  pusherctl listen presence-lobby --user 7 --info '{"name":"Ada"}'
  pusherctl listen private-orders --auth-endpoint http://localhost:8000/broadcasting/auth --header 'Cookie: session=…'
  pusherctl listen --sign-in --user 7`,
	}
	flags := command.Flags()
	flags.StringArrayVar(&l.events, "event", nil, "print events of this `name` only, which may have * and ?; repeatable")
	flags.StringVar(&l.filter, "filter", "", "print events whose data contains this `text` only")
	flags.StringVar(&l.user, "user", "pusherctl", "`ID` of the user on presence channels and of --sign-in")
	flags.StringVar(&l.info, "info", "", "`JSON` object that other members of presence channels receive")
	flags.BoolVar(&l.signIn, "sign-in", false, "sign the user in, and print events to the user too")
	flags.StringVar(&l.authEndpoint, "auth-endpoint", "", "`URL` that authorizes channels")
	flags.StringVar(&l.userEndpoint, "user-auth-endpoint", "", "`URL` that authenticates the user of --sign-in")
	flags.StringArrayVar(&l.header, "header", nil, "`NAME: VALUE` of requests to the endpoints, such as a cookie; repeatable")
	flags.IntVarP(&l.count, "count", "n", 0, "end after this `number` of messages; 0 for no limit")
	command.RunE = func(command *cobra.Command, channels []string) error {
		if len(channels) == 0 && !l.signIn {
			return usagef("want a CHANNEL, or --sign-in")
		}
		err := t.listen(command.Context(), l, channels)
		if command.Context().Err() != nil {
			return nil // Ctrl-C is the usual end
		}
		return err
	}
	return command
}

// A heard is an event of one of several channels, or the error that ends a channel.
type heard struct {
	event realtime.Event
	err   error
}

func (t *tool) listen(ctx context.Context, l listener, names []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, pattern := range l.events {
		if _, err := path.Match(pattern, ""); err != nil {
			return usagef("--event %s: %w", pattern, err)
		}
	}
	opts, err := l.options()
	if err != nil {
		return err
	}
	s, err := t.settings()
	if err != nil {
		return err
	}
	conn, err := s.connect(ctx, opts...)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()

	all := make(chan heard)
	send := func(h heard) bool {
		select {
		case all <- h:
			return true
		case <-ctx.Done():
			return false
		}
	}
	forward := func(channel *realtime.Channel) {
		for event, err := range channel.Events(ctx) {
			if !send(heard{event, err}) {
				return
			}
		}
	}
	go func() {
		for event, err := range conn.Events(ctx) {
			if !send(heard{event, err}) {
				return
			}
		}
	}()
	subscribed := make(chan struct{})
	go func() {
		defer close(subscribed)
		channels, err := l.subscribe(ctx, conn, names)
		if err != nil {
			send(heard{err: err})
			return
		}
		fmt.Fprintf(t.stderr, "listening on %s; the socket ID is %s\n", strings.Join(names, ", "), conn.SocketID())
		for _, channel := range channels {
			go forward(channel)
		}
	}()

	for n := 0; ; {
		select {
		case <-ctx.Done():
			<-subscribed
			return nil
		case h := <-all:
			if h.err != nil {
				return h.err
			}
			printed, err := t.printEvent(l, h.event)
			if err != nil {
				return err
			}
			if printed && h.event.Kind == realtime.KindMessage {
				n++
			}
			if n == l.count && l.count > 0 {
				return nil
			}
		}
	}
}

func (l listener) options() ([]realtime.Option, error) {
	header := http.Header{}
	for _, line := range l.header {
		name, value, found := strings.Cut(line, ":")
		if !found {
			return nil, usagef("--header: want NAME: VALUE")
		}
		header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	var opts []realtime.Option
	if l.authEndpoint != "" {
		opts = append(opts, realtime.WithAuthEndpoint(l.authEndpoint, header))
	}
	if l.userEndpoint != "" {
		opts = append(opts, realtime.WithUserAuthEndpoint(l.userEndpoint, header))
	}
	return opts, nil
}

func (l listener) subscribe(ctx context.Context, conn *realtime.Conn, names []string) ([]*realtime.Channel, error) {
	info, err := jsonObject("--info", l.info)
	if err != nil {
		return nil, err
	}
	var channels []*realtime.Channel
	if l.signIn {
		user := auth.User{ID: l.user, Info: info}
		if l.userEndpoint != "" {
			user = auth.User{}
		}
		channel, err := conn.SignIn(ctx, user)
		if err != nil {
			return nil, err
		}
		channels = append(channels, channel)
	}
	for _, name := range names {
		var opts []realtime.SubscribeOption
		if strings.HasPrefix(name, "presence-") && l.authEndpoint == "" {
			opts = append(opts, realtime.WithMember(auth.Member{UserID: l.user, UserInfo: info}))
		}
		channel, err := conn.Subscribe(ctx, name, opts...)
		if err != nil {
			return nil, err
		}
		channels = append(channels, channel)
	}
	return channels, nil
}

// matches reports whether an event passes the filters. Events other than messages pass
// if there is no filter.
func (l listener) matches(event realtime.Event) bool {
	if event.Kind != realtime.KindMessage {
		return len(l.events) == 0 && l.filter == ""
	}
	found := len(l.events) == 0
	for _, pattern := range l.events {
		match, _ := path.Match(pattern, event.Name)
		found = found || match
	}
	return found && strings.Contains(event.Data, l.filter)
}

// printEvent prints an event unless a filter excludes it. It reports whether it did on
// standard output.
func (t *tool) printEvent(l listener, event realtime.Event) (bool, error) {
	now := time.Now()
	clock := t.dim(now.Format(clockFormat))
	switch event.Kind {
	case realtime.KindConnected:
		return false, nil // the logger and "listening on" report it
	case realtime.KindDisconnected, realtime.KindError:
		_, err := fmt.Fprintf(t.stderr, "%s: %v\n", event.Kind, event.Err)
		return false, err
	}
	if !l.matches(event) {
		return false, nil
	}
	if t.json {
		return true, t.printJSON(struct {
			Time time.Time `json:"time"`
			realtime.Event
		}{now, event})
	}
	channel := event.Channel
	if channel == "" {
		channel = "user " + l.user
	}
	text := event.Data
	switch event.Kind {
	case realtime.KindMessage:
		text = t.bold(oneLine(event.Name)) + " " + oneLine(event.Data)
		if event.UserID != "" {
			text += t.dim(" from " + oneLine(event.UserID))
		}
	case realtime.KindGap:
		text = t.yellow(fmt.Sprintf("gap: events between %s and %s are lost", event.From.Format(clockFormat), event.To.Format(clockFormat)))
	case realtime.KindMemberAdded:
		text = t.green("joined ") + oneLine(event.UserID+" "+event.Data)
	case realtime.KindMemberRemoved:
		text = t.yellow("left ") + oneLine(event.UserID)
	case realtime.KindSubscriptionCount:
		text = fmt.Sprintf("subscriptions %d", event.Count)
	case realtime.KindCacheMiss:
		text = "no cached event"
	case realtime.KindWatchlist:
		text = event.Name + " " + oneLine(strings.Join(event.UserIDs, ", "))
	}
	if event.Dropped > 0 {
		text = t.red(fmt.Sprintf("(%d events dropped) ", event.Dropped)) + text
	}
	return true, t.printf("%s %s %s", clock, channel, text)
}
