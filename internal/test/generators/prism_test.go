//go:build interop

package generators_test

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Prism's mock server responds with a text that belongs to the status, in both formats.
func TestPrism(t *testing.T) {
	type content map[string]struct {
		Examples map[string]struct{ Value any }
	}
	var document struct {
		Paths map[string]struct {
			Post struct {
				Responses map[string]struct {
					Ref string `json:"$ref"`
				}
			}
		}
		Components struct {
			Responses map[string]struct{ Content content }
		}
	}
	if err := json.Unmarshal([]byte(read(t, root+"/gen/openapi.rest.json")), &document); err != nil {
		t.Fatal(err)
	}
	responses := document.Paths["/apps/{app_id}/events"].Post.Responses
	address := startPrism(t)
	tested := 0
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		code, err := strconv.Atoi(status)
		if err != nil || code < 400 {
			continue // 200 and default
		}
		for mediaType, media := range document.Components.Responses[path.Base(responses[status].Ref)].Content {
			tested++
			t.Run(status+" "+mediaType, func(t *testing.T) {
				got := mocked(t, address, code, mediaType)
				var want []string
				for _, example := range media.Examples {
					text, ok := example.Value.(string)
					if !ok {
						encoded, err := json.Marshal(example.Value)
						if err != nil {
							t.Fatal(err)
						}
						text = string(encoded)
					}
					want = append(want, text)
				}
				if !slices.Contains(want, got) {
					t.Errorf("Prism responds with %q, want one of %q", got, want)
				}
			})
		}
	}
	if tested < 11 {
		t.Errorf("tested %d responses, want at least one of each of the 11 statuses", tested)
	}
}

// mocked returns the response of the mock server to a trigger that shall fail.
func mocked(t *testing.T, address string, status int, mediaType string) string {
	t.Helper()
	target := address + "/apps/3/events?auth_key=k&auth_timestamp=1&auth_version=1.0&body_md5=m&auth_signature=s"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(`{"name":"foo","channels":["project-3"],"data":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", mediaType)
	r.Header.Set("Prefer", "code="+strconv.Itoa(status))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status {
		t.Errorf("status %d, want %d: %s", resp.StatusCode, status, body)
	}
	if mediaType == "application/json" {
		encoded, err := json.Marshal(decode(t, string(body))) // in the order of the examples
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	return string(body)
}

// startPrism runs the mock server until the test ends, and returns its URL.
func startPrism(t *testing.T) string {
	t.Helper()
	server := exec.Command("node", "node_modules/@stoplight/prism-cli/dist/index.js", "mock", "--port", "0", root+"/openapi.yaml")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatalf("%v: run `make e2e`, which installs Prism", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, address, ok := strings.Cut(lines.Text(), "Prism is listening on "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }() // so that the server never blocks on a full pipe
			return strings.TrimSpace(address)
		}
	}
	t.Fatal("Prism does not start")
	return ""
}
