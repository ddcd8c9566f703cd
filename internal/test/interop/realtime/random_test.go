//go:build interop

package realtime_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sequences is the number of random scenarios for each server. REALTIME_SOAK=1 runs all of
// them, otherwise a tenth is run.
const sequences = 240

// Both libraries see the same in random scenarios. REALTIME_SEED repeats a run.
func TestRandom(t *testing.T) {
	n, seed := sequences/10, rand.Uint64()
	if os.Getenv("REALTIME_SOAK") != "" {
		n = sequences
	}
	if text := os.Getenv("REALTIME_SEED"); text != "" {
		value, err := strconv.ParseUint(text, 10, 64)
		noError(t, "REALTIME_SEED", err)
		seed = value
	}
	t.Logf("%d sequences, REALTIME_SEED=%d", n, seed)
	for name, newEnv := range environments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnv(t)
			var list []scenario
			for i := range n {
				list = append(list, randomScenario(rand.New(rand.NewPCG(seed, uint64(i))), fmt.Sprint(i)))
			}
			env.compareAll(t, list)
		})
	}
}

// A generator makes steps that mean the same for both libraries: it sends client events
// only on channels that are subscribed, for example. The description of the steps is part
// of the name, so that a failure can be read.
type generator struct {
	*rand.Rand
	steps       []step
	description []string
	subscribed  map[string][]string // channels by client
	signedIn    map[string]bool
	events      int
	key         int32
}

var (
	randomClients  = []string{"alice", "bob"}
	randomChannels = []string{"news", "private-x", "private-y", "presence-x", "private-encrypted-x", "cache-x", "private-cache-x", "presence-cache-x"}
)

func randomScenario(random *rand.Rand, name string) scenario {
	g := &generator{Rand: random, subscribed: map[string][]string{}, signedIn: map[string]bool{}}
	g.add("connect", connect(randomClients...))
	for range 12 + g.IntN(12) {
		g.next(randomClients[g.IntN(len(randomClients))])
	}
	for _, c := range randomClients {
		for _, channel := range g.subscribed[c] {
			if strings.HasPrefix(channel, "presence-") {
				g.add("", members(c, channel))
			}
		}
	}
	return scenario{name: name + ": " + strings.Join(g.description, ", "), steps: g.steps}
}

func (g *generator) add(description string, s step) {
	g.steps = append(g.steps, s)
	if description != "" {
		g.description = append(g.description, description)
	}
}

// next adds a step of a client.
func (g *generator) next(c string) {
	channel := randomChannels[g.IntN(len(randomChannels))]
	isSubscribed := slices.Contains(g.subscribed[c], channel)
	g.events++
	data := []string{`{"n":1}`, "text", "17", `"quoted"`, `[1,2]`}[g.IntN(5)]
	event := fmt.Sprint("event-", g.events)
	switch n := g.IntN(20); {
	case n < 6 && !isSubscribed:
		g.subscribed[c] = append(g.subscribed[c], channel)
		g.add(fmt.Sprintf("%s+%s", c, channel), subscribe(c, channel))
	case n < 6:
		g.subscribed[c] = slices.DeleteFunc(g.subscribed[c], func(name string) bool { return name == channel })
		g.add(fmt.Sprintf("%s-%s", c, channel), unsubscribe(c, channel))
	case n < 10:
		g.add("publish "+channel, publish(channel, event, data))
	case n < 12 && isSubscribed && !strings.HasPrefix(channel, "private-encrypted-") && (strings.HasPrefix(channel, "private-") || strings.HasPrefix(channel, "presence-")):
		g.add(c+" sends "+channel, send(c, channel, "client-a", data))
	case n < 13 && !g.signedIn[c]:
		g.signedIn[c] = true
		g.add(c+" signs in", signIn(c))
	case n < 14 && g.signedIn[c]:
		g.add("to "+c, sendToUser(c, event, data))
	case n < 15:
		code := []int{4200, 4201, 4202, 4299}[g.IntN(4)]
		g.add(fmt.Sprintf("%s closed %d", c, code), closeWith(code, "reason", c))
	case n < 16:
		g.add(c+" cut", cut(c))
	case n < 17:
		g.add("restart", restart(randomClients...))
	case n < 18:
		g.key = 1 - g.key
		g.add(fmt.Sprint("key ", g.key), replaceKey(g.key))
	case n < 19:
		invalid := []string{"not JSON", `{"event":`, "null", `{"event":"pusher_internal:new","channel":"CHANNEL:news"}`, `{"event":"e","channel":"CHANNEL:other","data":"{}"}`, `{"event":"pusher:pong"}`, `{"event":"pusher:ping","data":{}}`}
		message := invalid[g.IntN(len(invalid))]
		g.add(c+" gets "+message, inject(c, message))
	default:
		g.add("publish private-encrypted-x", publish("private-encrypted-x", event, data))
	}
}
