//go:build interop

package generators_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/openchannels/pusher-go/pushertest"
)

const root = "../../.."

// Each program in testdata uses the client that the command generates.
var generators = []struct{ name, command string }{
	{"openapi-fetch", "openapi-typescript openapi.yaml --output openapi.d.ts"},
	{"swagger-typescript-api", "swagger-typescript-api generate --path openapi.yaml --output generated --axios"},
	{"zodios", "openapi-zod-client openapi.yaml --output generated.ts"},
	{"hey-api", "openapi-ts --input openapi.yaml --output generated"},
	{"orval", "orval --input openapi.yaml --output generated.ts"},
	{"oapi-codegen", "oapi-codegen -generate types,client,std-http,strict-server -package api -o api/api.go openapi.rest.json"},
	{"ogen", "ogen --target api --package api openapi.rest.json"},
}

// The client of each generator, in its default configuration, compiles and sends a query
// for two attributes of a channel. What arrives is in the table of docs/contract.md.
func TestGenerators(t *testing.T) {
	documented := documentedResults(t)
	for _, generator := range generators {
		t.Run(generator.name, func(t *testing.T) {
			server := startServer(t)
			var out string
			if strings.HasSuffix(generator.command, "openapi.rest.json") {
				out = runGo(t, generator.name, generator.command, server.address, channel)
			} else {
				out = runTypeScript(t, generator.name, generator.command, server.address, channel)
			}
			const want = `{"occupied": true, "user_count": 2, "subscription_count": 2}`
			if !reflect.DeepEqual(decode(t, out), decode(t, want)) {
				t.Errorf("the client prints %s, want %s", out, want)
			}
			row := [2]string{generator.command, server.query()}
			if got := documented[generator.name]; got != row {
				t.Errorf("the table in docs/contract.md has the command and result %q, want %q", got, row)
			}
		})
	}
	if len(documented) != len(generators) {
		t.Errorf("the table in docs/contract.md has %d generators, want the %d of this test", len(documented), len(generators))
	}
}

// documentedResults returns the command and the result of each generator in the table of
// docs/contract.md, whose columns are generator, command, result and where to sign.
func documentedResults(t *testing.T) map[string][2]string {
	t.Helper()
	results := map[string][2]string{}
	for line := range strings.Lines(read(t, root+"/docs/contract.md")) {
		if cells := strings.Split(line, " | "); len(cells) == 4 {
			results[strings.TrimPrefix(cells[0], "| ")] = [2]string{strings.Trim(cells[1], "`"), strings.Trim(cells[2], "`")}
		}
	}
	delete(results, "Generator")
	return results
}

// channel has every character that is not a letter or digit.
const channel = "presence-foo_1234@=,.;"

// A recordingServer is a pushertest.Server that records the last query without its
// authentication.
type recordingServer struct {
	*pushertest.Server
	address string // a PUSHER_URL

	mu   sync.Mutex
	last url.Values
}

func startServer(t *testing.T) *recordingServer {
	t.Helper()
	server, err := pushertest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if err := server.SetChannel(channel, pushertest.ChannelState{Users: []string{"ada", "grace"}}); err != nil {
		t.Fatal(err)
	}
	recording := &recordingServer{Server: server}
	listener := httptest.NewServer(recording)
	t.Cleanup(listener.Close)
	app := server.App()
	address := url.URL{Scheme: "http", User: url.UserPassword(app.Key, app.Secret), Host: listener.Listener.Addr().String(), Path: "/apps/" + app.ID}
	recording.address = address.String()
	return recording
}

func (s *recordingServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.last = r.URL.Query()
	s.mu.Unlock()
	s.Server.ServeHTTP(w, r)
}

// query returns the decoded query.
func (s *recordingServer) query() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parameters []string
	for name, values := range s.last {
		if !strings.HasPrefix(name, "auth_") {
			for _, value := range values {
				parameters = append(parameters, name+"="+value)
			}
		}
	}
	return strings.Join(parameters, "&")
}

// runTypeScript generates a client, compiles client.ts of the folder in testdata, and
// returns what it prints. Everything is generated in a temporary folder.
func runTypeScript(t *testing.T, name, command string, args ...string) string {
	t.Helper()
	dir := copied(t, "testdata/"+name, "testdata/signing.ts", "testdata/axios.ts", root+"/openapi.yaml")
	linkModules(t, dir)
	program, rest, _ := strings.Cut(command, " ")
	run(t, dir, filepath.Join("node_modules", ".bin", program), strings.Fields(rest)...)
	run(t, dir, "node_modules/.bin/tsc", "--strict", "--skipLibCheck", "--target", "ES2022", "--module", "commonjs",
		"--moduleResolution", "node10", "--esModuleInterop", "--types", "node", "--outDir", "out", "client.ts")
	return run(t, dir, "node", append([]string{"out/client.js"}, args...)...)
}

// runGo generates a client, compiles main.go of the folder in testdata, and returns what
// it prints. The client belongs to a module of its own with the requirements of this one.
func runGo(t *testing.T, name, command string, args ...string) string {
	t.Helper()
	dir := copied(t, "testdata/"+name, root+"/gen/openapi.rest.json", "go.sum")
	absolute, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	module := strings.Replace(read(t, "go.mod"), "module github.com/openchannels/pusher-go/internal/test/generators", "module generated", 1)
	module = strings.Replace(module, "=> "+root, "=> "+absolute, 1)
	write(t, filepath.Join(dir, "go.mod"), module)
	if err := os.Mkdir(filepath.Join(dir, "api"), 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "go", append([]string{"tool"}, strings.Fields(command)...)...)
	return run(t, dir, "go", append([]string{"run", "."}, args...)...)
}

// copied returns a temporary folder with copies of the files, and of those in folders.
func copied(t *testing.T, paths ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, path := range paths {
		files, err := filepath.Glob(path + "/*")
		if err != nil {
			t.Fatal(err)
		}
		if files == nil {
			files = []string{path}
		}
		for _, file := range files {
			write(t, filepath.Join(dir, filepath.Base(file)), read(t, file))
		}
	}
	return dir
}

func linkModules(t *testing.T, dir string) {
	t.Helper()
	modules, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(modules); err != nil {
		t.Fatalf("%v: run `make e2e`, which installs it", err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
}

// run returns what a program prints to the standard output.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out.String(), errors.String())
	}
	return out.String()
}

func decode(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%q is not JSON: %v", text, err)
	}
	return value
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
