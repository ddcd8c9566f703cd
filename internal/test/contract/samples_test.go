package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/openchannels/pusher-go/pushertest"
)

// codeSamples returns the samples in one language by operationId. Every operation
// that is not deprecated has one.
func codeSamples(t *testing.T, doc *openapi3.T, language string) map[string]string {
	t.Helper()
	samples := map[string]string{}
	for _, items := range []map[string]*openapi3.PathItem{doc.Paths.Map(), doc.Webhooks} {
		for path, item := range items {
			for method, op := range item.Operations() {
				if op.Deprecated {
					continue
				}
				var found []struct{ Lang, Source string }
				text, err := json.Marshal(op.Extensions["x-codeSamples"])
				if err == nil {
					err = json.Unmarshal(text, &found)
				}
				if err != nil {
					t.Fatalf("%s %s: x-codeSamples: %v", method, path, err)
				}
				for _, sample := range found {
					if sample.Lang == language {
						samples[op.OperationID] = sample.Source
					}
				}
				if samples[op.OperationID] == "" {
					t.Errorf("%s %s has no x-codeSamples with lang %s", method, path, language)
				}
			}
		}
	}
	return samples
}

// Each test of samples uses the app of the documentation, so that the samples'
// signatures can be compared with the published ones.
func newSampleServer(t *testing.T) (server *pushertest.Server, url string) {
	t.Helper()
	server, err := pushertest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	for name, users := range map[string][]string{"presence-desk-4": {"ada", "grace"}, "presence-foobar": {"ada"}} {
		if err := server.SetChannel(name, pushertest.ChannelState{Users: users}); err != nil {
			t.Fatal(err)
		}
	}
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	return server, listener.URL
}

// Each sample publishes these events.
func checkSampleEvents(t *testing.T, server *pushertest.Server) {
	t.Helper()
	want := []string{
		`presence-desk-4 price-changed {"cents":1999}`,
		`presence-foobar bar {"more":"data"}`,
		`project-3 foo {"some":"data"}`,
		`project-3 price-changed {"cents":1999}`,
	}
	var got []string
	for _, event := range server.Events() {
		got = append(got, event.Channel+" "+event.Name+" "+event.Data)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the samples published %q, want %q", got, want)
	}
}

// Sources of the signatures: Pusher Channels docs, "Authentication signatures".
const (
	privateAuth = "278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
	userAuth    = "278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"
)

func TestCodeSamples_Go(t *testing.T) {
	doc := load(t)
	samples := codeSamples(t, doc, "Go")
	server, address := newSampleServer(t)
	app := server.App()
	program := buildSamples(t, samples)

	var requests bytes.Buffer
	for _, r := range []*http.Request{
		withPath(newWebhookRequest(doc, app.Key, app.Secret, deliveries["member_added"]), "/pusher/webhook"),
		newFormRequest("/pusher/auth", url.Values{"socket_id": {"1234.1234"}, "channel_name": {"private-foobar"}}),
		newFormRequest("/pusher/user-auth", url.Values{"socket_id": {"1234.1234"}}),
	} {
		r.Header.Set("X-User-ID", "12345") // what the samples read instead of a session
		if err := r.Write(&requests); err != nil {
			t.Fatal(err)
		}
	}
	host, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	host.User, host.Path = url.UserPassword(app.Key, app.Secret), "/apps/"+app.ID
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "PUSHER_URL="+host.String(), "PUSHER_KEY="+app.Key, "PUSHER_SECRET="+app.Secret)
	cmd.Stdin = &requests
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}

	want := map[string]string{
		"triggerEvent":             "presence-desk-4 2",
		"triggerBatch":             "",
		"listChannels":             "presence-desk-4 2\npresence-foobar 1",
		"getChannel":               "occupied: true\nusers: 1",
		"listChannelUsers":         "ada",
		"terminateUserConnections": "",
		"authorizeChannel":         "",
		"authenticateUser":         "",
		"receiveWebhook":           "",
		"POST /pusher/webhook":     "200 \na_user_id joined presence-your_channel_name",
		"POST /pusher/auth":        `200 {"auth":"` + privateAuth + `"}`,
		"POST /pusher/user-auth":   `200 {"auth":"` + userAuth + `","user_data":"{\"id\":\"12345\"}"}`,
	}
	got := sections(string(out))
	compareNames(t, want, got, "%q is not in the output", "%q is not in this test's table")
	for name, want := range want {
		if got[name] != want {
			t.Errorf("%s prints %q, want %q", name, got[name], want)
		}
	}
	checkSampleEvents(t, server)
}

// sections returns the sorted lines of the output below each headline.
func sections(output string) map[string]string {
	found := map[string]string{}
	for section := range strings.SplitSeq(output, "== ") {
		name, text, _ := strings.Cut(section, "\n")
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		slices.Sort(lines)
		found[name] = strings.TrimSpace(strings.Join(lines, "\n"))
	}
	delete(found, "")
	return found
}

func newFormRequest(path string, form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func withPath(r *http.Request, path string) *http.Request {
	r.URL.Path = path
	return r
}

// buildSamples builds the command in testdata/samples with each sample as a function.
// An overlay adds the file, so that nothing is written to the source folder.
func buildSamples(t *testing.T, samples map[string]string) string {
	t.Helper()
	all := strings.Join(slices.Collect(maps.Values(samples)), "\n")
	var file strings.Builder
	file.WriteString("package main\n\nimport (\n\t\"context\"\n")
	for _, path := range []string{"errors", "fmt", "net/http", "os", "github.com/openchannels/pusher-go/auth", "github.com/openchannels/pusher-go/pusher", "github.com/openchannels/pusher-go/webhook"} {
		if name := path[strings.LastIndex(path, "/")+1:]; name == "pusher" || strings.Contains(all, name+".") {
			fmt.Fprintf(&file, "\t%q\n", path)
		}
	}
	file.WriteString(")\n\nvar samples = []struct {\n\tname string\n\trun func(context.Context, *pusher.Client) error\n}{\n")
	for _, name := range sortedKeys(samples) {
		fmt.Fprintf(&file, "\t{%q, %s},\n", name, name)
	}
	file.WriteString("}\n")
	for _, name := range sortedKeys(samples) {
		fmt.Fprintf(&file, "\nfunc %s(ctx context.Context, client *pusher.Client) error {\n//line %s:1\n%sreturn nil\n}\n", name, name, samples[name])
	}

	dir := t.TempDir()
	source := filepath.Join(dir, "samples.go")
	added, err := filepath.Abs(filepath.Join("testdata", "samples", "samples.go"))
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{added: source}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"samples.go": file.String(), "overlay.json": string(overlay)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The go command chooses the name in the folder: samples, or samples.exe on Windows.
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", dir+string(filepath.Separator), "./testdata/samples")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the samples do not compile: %v\n%s", err, out)
	}
	return filepath.Join(dir, "samples")
}
