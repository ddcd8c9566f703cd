//go:build interop

package realtime_test

import (
	"flag"
	"fmt"
	"testing"
)

// parallel is the number of scenarios that run at the same time on a server. Most of the
// time they wait.
const parallel = 16

func TestMain(m *testing.M) {
	flag.Parse()
	// The default is the number of processors.
	if err := flag.Set("test.parallel", fmt.Sprint(len(environments)*parallel)); err != nil {
		panic(err)
	}
	m.Run()
}

// Both libraries see the same, apart from the differences that the scenarios list.
func TestScenarios(t *testing.T) {
	for name, newEnv := range environments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnv(t)
			list := scenarios()
			if len(list) < 60 {
				t.Errorf("%d scenarios, want at least 60", len(list))
			}
			env.compareAll(t, list)
			if env.name == "pushertest" {
				t.Run("coverage", func(t *testing.T) { env.checkCoverage(t) })
			}
		})
	}
}

var environments = map[string]func(testing.TB) *environment{"pushertest": newPushertest, "soketi": newSoketi}

func (env *environment) compareAll(t *testing.T, list []scenario) {
	slots := make(chan struct{}, parallel)
	t.Run("scenarios", func(t *testing.T) {
		for _, s := range list {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				if (len(s.onlyGo)+len(s.onlyJS) > 0) != (s.reason != "") {
					t.Error("a difference needs a reason")
				}
				env.compare(t, s)
			})
		}
	})
}

// checkCoverage checks that the scenarios use all messages and close codes of the
// protocol.
func (env *environment) checkCoverage(t *testing.T) {
	env.proxy.mu.Lock()
	defer env.proxy.mu.Unlock()
	for _, want := range protocolMessages {
		if !env.proxy.seen[want] {
			t.Errorf("no scenario has %q", want)
		}
	}
}
