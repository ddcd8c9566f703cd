# Every target sets itself up on a machine with Go, make and bash; lint-openapi
# needs Node.js besides, and e2e Node.js and Debian's packages.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c

# Developer tools are pinned in a go.mod of their own, so that they reach no user.
TOOL := go tool -modfile=internal/tools/go.mod

FUZZTIME ?= 1m
COUNT    ?= 5
BENCH    ?= .
CHROMIUM ?= /usr/bin/chromium

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Run the demonstration: a server and a client in one process
	go run ./examples/demo

.PHONY: chat
chat: ## Run a chat in the browser, on a server of its own or on that of PUSHER_URL
	go run ./examples/chat

.PHONY: test
test: ## Run all tests with the race detector
	go test -race ./...

# A module of its own, so that the library links no OpenTelemetry.
.PHONY: test-otel
test-otel: ## Run the tests of the OpenTelemetry example
	cd examples/otel && go vet ./... && go test -race ./...

# npm's packages and Debian's browser are what the tests are run against; none
# of it is part of the library.
.PHONY: e2e
e2e: internal/test/interop/node_modules $(CHROMIUM) ## Run the tests against Pusher's own libraries, soketi and a browser (needs Node.js and Debian)
	CHROMIUM=$(CHROMIUM) go test -race -tags interop -count=1 ./internal/test/interop/...

internal/test/interop/node_modules: internal/test/interop/package-lock.json
	@command -v npm >/dev/null || { echo "make e2e needs Node.js with npm: https://nodejs.org"; exit 1; }
	cd internal/test/interop && npm ci --ignore-scripts --omit=dev --omit=peer
	touch $@

$(CHROMIUM):
	apt-get update
	apt-get install -y --no-install-recommends chromium

.PHONY: lint
lint: ## Check format, vet (also for 32 bits), staticcheck and the go.mod files
	@unformatted=$$(gofmt -l .); if [[ -n $$unformatted ]]; then echo "not formatted, run gofmt -w:"; echo "$$unformatted"; exit 1; fi
	go vet -tags interop ./...
	GOARCH=386 go vet ./...
	$(TOOL) staticcheck -checks all -tags interop ./...
	go mod tidy -diff
	go -C internal/tools mod tidy -diff
	go -C examples/otel mod tidy -diff

.PHONY: lint-openapi
lint-openapi: .ci/lint/node_modules ## Check openapi.yaml with its linter (needs Node.js)
	cd .ci/lint && ./node_modules/.bin/redocly lint --config redocly.yaml ../../openapi.yaml

.ci/lint/node_modules: .ci/lint/package-lock.json
	@command -v npm >/dev/null || { echo "the linter of openapi.yaml needs Node.js with npm: https://nodejs.org"; exit 1; }
	cd .ci/lint && npm ci
	touch $@

.PHONY: generate
generate: ## Generate gen/ from openapi.yaml
	go generate .

.PHONY: check-generate
check-generate: ## Fail if gen/ is not what openapi.yaml generates
	go test -count=1 -run '^TestGenerated' ./internal/test/architecture

# Each run has every benchmark once, so that a machine whose speed drifts slows a
# benchmark and its floor alike. The runs stay in bin/bench.txt. To compare two of them:
#   go tool -modfile=internal/tools/go.mod benchstat old.txt bin/bench.txt
#
# BenchmarkFloor is the floor of its package's benchmarks, BenchmarkWordFloor
# that of those whose name contains the word; `go doc ./internal/cmd/benchratio` has the rest.
.PHONY: bench
bench: ## Run the benchmarks and print what each costs in units of its floor; COUNT=5 BENCH=.
	@mkdir -p bin
	packages=$$(grep -rl --include='*_test.go' --exclude-dir=interop '^func Benchmark' . | xargs -n1 dirname | sort -u); \
	for ((run = 0; run < $(COUNT); run++)); do \
		go test -run '^$$' -bench '$(BENCH)' -benchmem $$packages; \
	done | tee bin/bench.txt
	@go run ./internal/cmd/benchratio < bin/bench.txt

.PHONY: bench-e2e
bench-e2e: internal/test/interop/node_modules ## Run pushertest beside soketi (needs Node.js and Linux); COUNT=5
	@mkdir -p bin
	go test -tags interop -run '^$$' -bench . -count=$(COUNT) ./internal/test/interop | tee bin/bench-e2e.txt
	@go run ./internal/cmd/benchratio < bin/bench-e2e.txt

.PHONY: bench-once
bench-once: ## Run each benchmark once, to see that it runs
	go test -run '^$$' -bench . -benchtime 1x ./...

.PHONY: fuzz
fuzz: ## Run each fuzz target; FUZZTIME=1m
	@targets=$$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { names[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, names[i]; n = 0 }'); \
	if [[ -z $$targets ]]; then echo "no fuzz target found"; exit 1; fi; \
	while read -r package name; do \
		echo "$$package $$name"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$package"; \
	done <<< "$$targets"

.PHONY: api
api: ## Record the exported names of the public packages, which make test compares
	go test -count=1 -run '^TestExported' ./internal/test/architecture -update

.PHONY: licenses
licenses: ## List the modules that the client links, and their licences
	@go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./pusher ./auth ./webhook | sort -u | \
	while read -r path version dir; do \
		kind=$$(cat "$$dir"/LICENSE* | grep -m1 -oE 'MIT License|Apache License|Redistribution and use' || echo unknown); \
		printf '%-36s %-10s %s\n' "$$path" "$$version" "$${kind/Redistribution and use/BSD License}"; \
	done

.PHONY: release-notes
release-notes: ## Print the section of CHANGELOG.md for VERSION
	@awk -v version='## $(VERSION)' 'index($$0, "## ") == 1 { found = index($$0, version) == 1 } found' CHANGELOG.md | \
	{ grep . || { echo 'no section for version "$(VERSION)" in CHANGELOG.md' >&2; exit 1; }; }

.PHONY: vuln
vuln: ## Check the module and its dependencies for known vulnerabilities
	$(TOOL) govulncheck ./...

.PHONY: tidy
tidy: ## Tidy the go.mod files
	go mod tidy
	go -C internal/tools mod tidy
	go -C examples/otel mod tidy
