package contract_test

import (
	"errors"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/openchannels/pusher-go/internal/protocol"
	"github.com/openchannels/pusher-go/signing"
)

// The numbers in the document's table of limits, and in the descriptions that repeat
// them, are those of the code.
func TestLimits(t *testing.T) {
	server := constants(t, "../../../pushertest/*.go")
	number := func(name string) int64 {
		n, ok := constant.Int64Val(constant.ToInt(server[name]))
		if !ok {
			t.Fatalf("pushertest has no constant %s: if it was renamed, rename it in this test", name)
		}
		return n
	}
	in := func(unit time.Duration, name string) int64 { return number(name) / int64(unit) }

	// Limits that no code enforces. Sources: Pusher Channels docs, "Channels" and
	// "Webhooks"; Pusher support, "What is the batch size of webhooks".
	const documentedChannelName, batchWindow, departureDelay = 164, 250, 3
	rows := map[string][]int64{
		"Channels of one event":   {1, protocol.MaxChannels},
		"Events in a batch":       {1, protocol.MaxBatch},
		"Event data":              {protocol.MaxEventBytes},
		"Channel name":            {documentedChannelName, protocol.MaxNameLength},
		"Event name":              {protocol.MaxNameLength},
		"ID of a signed-in user":  {protocol.MaxUserIDLength, 0, 9}, // and the characters 0-9
		"ID of a presence member": {protocol.MaxMemberIDLength},
		"Data of a presence member or signed-in user": {protocol.MaxMemberBytes},
		"Members of a presence channel":               {number("maxMembers")},
		"Watchlist of a user":                         {protocol.MaxWatchlist},
		"Socket ID":                                   {protocol.MaxSocketIDLength},
		"Idempotency key":                             {number("maxIdempotencyKey")},
		"Client events":                               {number("maxClientEvents")},
		"Cached event":                                {in(time.Minute, "cacheTTL")},
		"Clock skew":                                  {int64(signing.MaxClockSkew / time.Second)},
		"Webhook batch":                               {number("maxWebhookBatch"), batchWindow},
		"Webhook response":                            {in(time.Second, "webhookTimeout"), in(time.Minute, "webhookRetryPeriod")},
		"Delay of `channel_vacated` and `member_removed`":                    {departureDelay},
		"`subscription_count` of a channel with more than 100 subscriptions": {in(time.Second, "countInterval")},
	}
	doc := load(t)
	described := map[string]bool{}
	for _, row := range table(t, section(t, doc.Info.Description, "## Limits")) {
		name, value := row[0], row[1]
		described[name] = true
		if got, want := numbers(value), rows[name]; !slices.Equal(got, want) {
			t.Errorf("the limit %q is %q with the numbers %d, want %d: change openapi.yaml, the constant or this test", name, value, got, want)
		}
	}
	compareNames(t, rows, described,
		"the table of limits in openapi.yaml has no row %q",
		"the table of limits has the row %q, which this test does not compare: add it to rows")

	schema := func(name string) *openapi3.Schema { return component(t, doc, name).Value }
	texts := []struct {
		name, text string
		want       []int64
	}{
		{"webhooks.events", doc.Webhooks["events"].Post.Description,
			[]int64{number("maxWebhookBatch"), batchWindow, in(time.Second, "webhookTimeout"), in(time.Minute, "webhookRetryPeriod"), departureDelay}},
		{"ChannelVacated", schema("ChannelVacated").Description, []int64{departureDelay}},
		{"MemberRemoved", schema("MemberRemoved").Description, []int64{departureDelay}},
		{"SubscriptionCounted", schema("SubscriptionCounted").Description, []int64{number("manySubscribers"), in(time.Second, "countInterval")}},
		{"CachedEvent.ttl", schema("CachedEvent").Properties["ttl"].Value.Description, []int64{in(time.Second, "cacheTTL")}},
		{"EventData", schema("EventData").Description, []int64{protocol.MaxEventBytes, 8}}, // UTF-8
		{"EventName", schema("EventName").Description, []int64{protocol.MaxNameLength}},
		{"IdempotencyKey", schema("IdempotencyKey").Description, []int64{in(time.Second, "idempotencyWindow"), number("maxIdempotencyKey")}},
		{"authTimestamp", doc.Components.SecuritySchemes["authTimestamp"].Value.Description, []int64{int64(signing.MaxClockSkew / time.Second)}},
		{"BatchRequest.batch", schema("BatchRequest").Properties["batch"].Value.Description, []int64{1, protocol.MaxBatch}},
		{"TriggerToChannels.channels", schema("TriggerToChannels").Properties["channels"].Value.Description, []int64{1, protocol.MaxChannels}},
		{"TooLarge", *doc.Components.Responses["TooLarge"].Value.Description, []int64{protocol.MaxEventBytes}},
	}
	for _, tt := range texts {
		if got := numbers(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("the description of %s has the numbers %d, want %d: %s", tt.name, got, tt.want, tt.text)
		}
	}
}

var numberPattern = regexp.MustCompile(`\b[0-9][0-9,]*\b`)

// numbers returns the numbers in a text, such as 10240 for "10,240".
func numbers(text string) []int64 {
	var found []int64
	for _, digits := range numberPattern.FindAllString(text, -1) {
		if n, err := strconv.ParseInt(strings.ReplaceAll(digits, ",", ""), 10, 64); err == nil {
			found = append(found, n)
		}
	}
	return found
}

// table returns the cells of the first table in a Markdown text, without its head.
func table(t *testing.T, text string) [][]string {
	t.Helper()
	var rows [][]string
	for line := range strings.Lines(text) {
		cells, isRow := strings.CutPrefix(strings.TrimSpace(line), "| ")
		switch {
		case isRow:
			rows = append(rows, strings.Split(strings.TrimSuffix(cells, " |"), " | "))
		case len(rows) > 1 && strings.TrimSpace(line) == "":
			return rows[1:]
		}
	}
	if len(rows) < 2 {
		t.Fatalf("found no table in %s", text)
	}
	return rows[1:]
}

// constants returns the constants in files of a package, exported or not, whose values
// depend only on these files and on package time.
func constants(t *testing.T, pattern string) map[string]constant.Value {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	fileSet := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fileSet, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	config := types.Config{
		Importer:         timeImporter{importer.ForCompiler(fileSet, "source", nil)},
		IgnoreFuncBodies: true,
		Error:            func(error) {}, // from uses of other packages
	}
	pkg, _ := config.Check(pattern, fileSet, files, nil)
	values := map[string]constant.Value{}
	for _, name := range pkg.Scope().Names() {
		if c, ok := pkg.Scope().Lookup(name).(*types.Const); ok && c.Val().Kind() != constant.Unknown {
			values[name] = c.Val()
		}
	}
	if len(values) == 0 {
		t.Fatalf("found no constants in %s", pattern)
	}
	return values
}

// A timeImporter imports only package time, because others take seconds.
type timeImporter struct{ types.Importer }

func (i timeImporter) Import(path string) (*types.Package, error) {
	if path != "time" {
		return nil, errors.New("not imported")
	}
	return i.Importer.Import(path)
}
