# Every target needs Go, make, bash and git. Targets that need more say so in their line of
# `make help`, and report what is missing; none of them installs anything outside of
# this folder.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c

# Developer tools are pinned in a separate module, so that they do not reach users.
TOOL := go tool -modfile=$(CURDIR)/internal/tools/go.mod

# Not in that module, because GoReleaser's 300 modules would choose the versions of the
# other tools. .goreleaser.yaml runs cyclonedx-gomod the same way.
GORELEASER ?= go run github.com/goreleaser/goreleaser/v2@v2.14.0

FUZZTIME ?= 1m
COUNT    ?= 5
BENCH    ?= .
WORKERS  ?= 2
FACTOR   ?= 10
CHROMIUM ?= /usr/bin/chromium
MODULES   = $(sort $(dir $(shell find . -name node_modules -prune -o -name go.mod -print)))

# $(call each,command) runs a command in the folder of each module. The make of macOS
# ignores .SHELLFLAGS, so the loop asks for -e itself.
each = set -e; for module in $(MODULES); do echo "==> $$module $(1)"; (cd "$$module"; $(1)); done

# $(call need,command,hint)
need = command -v $(1) >/dev/null || { echo "make $@: $(1) is missing: $(2)" >&2; exit 1; }

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Run the demonstration: a server and a client in one process
	go run ./examples/demo

.PHONY: chat
chat: ## Run a chat in the browser, on an embedded server or on the one of PUSHER_URL
	go run ./examples/chat

.PHONY: serve
serve: ## Run a server for development, without an account
	go run ./cmd/pusherctl serve

# The targets and flags of .goreleaser.yaml: the same commit and the same version of Go
# result in the binaries of the release.
TARGETS := linux_amd64 linux_arm64 darwin_amd64 darwin_arm64 windows_amd64 windows_arm64

.PHONY: binaries
binaries: ## Build pusherctl for Linux, macOS and Windows in bin/, as a release does
	@set -e; for target in $(TARGETS); do \
		echo "==> bin/$$target"; mkdir -p "bin/$$target"; \
		CGO_ENABLED=0 GOOS=$${target%_*} GOARCH=$${target#*_} go build -trimpath -buildvcs=true -ldflags='-s -w' -o "bin/$$target/" ./cmd/pusherctl; \
	done

# A change of openapi.yaml that breaks other code is explained by check-generate.
.PHONY: test
test: check-generate ## Run the tests of all modules with the race detector
	@$(call each,go test -race ./...)
	go test -count=1 -run '^TestConn_Load$$' ./realtime # the race detector needs memory itself

# The npm packages are what the tests run against; the library uses none of them.
.PHONY: e2e
e2e: browser internal/test/interop/node_modules internal/test/generators/node_modules examples/typedevents/web/node_modules examples/control/node/node_modules internal/test/postgres/node_modules ## Run the tests against Pusher's libraries, soketi, a browser, the clients of other generators, Redis and PostgreSQL (needs Node.js, Chromium, curl, openssl, redis-server, PostgreSQL, PgBouncer, RSpec and PHPUnit)
	@$(call need,curl,install curl)
	@$(call need,openssl,install OpenSSL)
	@$(call need,redis-server,install Redis 7 or later)
	@$(call need,rspec,install RSpec 3)
	@$(call need,phpunit,install PHPUnit 9 or later)
	CHROMIUM=$(CHROMIUM) go test -race -tags interop -count=1 ./internal/test/interop/...
	go -C internal/test/generators test -tags interop -count=1 ./...
	go test -tags interop -count=1 -run Shell ./internal/test/contract
	go -C examples/typedevents test -tags interop -count=1 ./...
	go -C examples/webhookredis test -race -tags interop -count=1 ./...
	CHROMIUM=$(CHROMIUM) go -C examples/orders test -tags interop -count=1 ./...
	CHROMIUM=$(CHROMIUM) go -C sqlpusher test -tags interop -count=1 -timeout 20m -v ./...
	@for package in $(CURDIR)/internal/test/postgres/node_modules/*; do (cd "$$package"; node scripts/hydrate-symlinks.js); \
		"$$package/native/bin/initdb" --version; SQLPUSHER_INITDB=$$package/native/bin/initdb go -C sqlpusher test -tags interop -count=1 -timeout 20m -run '/^PostgreSQL$$' -skip 'JavaScript|Speed|OpenTransaction|Killed' .; done

# `make e2e` runs a tenth of it, with a seed that it prints.
.PHONY: soak
soak: internal/test/interop/node_modules ## Run the long tests in full: lost responses, random scenarios, cut connections and killed relays, about 2 hours (needs what e2e needs)
	PUSHERTEST_EVENTS=100000 go test -count=1 -v -run LostResponses ./pushertest
	PUSHER_EVENTS=100000 go test -count=1 -v -run LostResponses ./pusher
	REALTIME_SOAK=1 go test -tags interop -count=1 -timeout 3h -v -run Random ./internal/test/interop/realtime
	REALTIME_CUTS=20000 go test -count=1 -timeout 1h -v -run RandomCuts ./realtime
	SQLPUSHER_SOAK=1 CHROMIUM=$(CHROMIUM) go -C sqlpusher test -tags interop -count=1 -timeout 3h -v -run 'Killed|Cuts|Speed|OpenTransaction|DatabaseGone' ./...

.PHONY: browser
browser:
	@[[ -x "$(CHROMIUM)" ]] || { echo "make e2e: $(CHROMIUM) is missing: install Chromium, or set CHROMIUM to the path of Chromium or Chrome" >&2; exit 1; }

internal/test/interop/node_modules: NPM_FLAGS = --omit=peer

%/node_modules: %/package-lock.json
	@$(call need,npm,install Node.js from https://nodejs.org)
	cd $* && npm ci --ignore-scripts $(NPM_FLAGS)
	touch $@

.PHONY: lint
lint: ## Check the format, vet (also for 32 bits, Windows and macOS), staticcheck and the go.mod files of all modules
	@unformatted=$$(gofmt -l .); if [[ -n $$unformatted ]]; then echo "not formatted, run gofmt -w:"; echo "$$unformatted"; exit 1; fi
	@$(call each,go mod tidy -diff)
	@$(call each,go vet -tags interop ./...)
	@$(call each,GOARCH=386 go vet ./...)
	@$(call each,GOOS=windows go vet ./...)
	@$(call each,GOOS=darwin go vet ./...)
	@$(call each,$(TOOL) staticcheck -checks all -tags interop ./...)

.PHONY: lint-openapi
lint-openapi: .ci/lint/node_modules ## Check openapi.yaml and the document of the control API with Redocly and Spectral (needs Node.js)
	cd .ci/lint && ./node_modules/.bin/redocly lint --config redocly.yaml ../../openapi.yaml ../../internal/control/openapi.yaml
	cd .ci/lint && ./node_modules/.bin/spectral lint --fail-severity=hint ../../openapi.yaml ../../internal/control/openapi.yaml

.PHONY: docs
docs: .ci/lint/node_modules ## Render openapi.yaml as bin/openapi.html (needs Node.js)
	@mkdir -p bin
	cd .ci/lint && ./node_modules/.bin/redocly build-docs --config redocly.yaml --inlineBundle --output ../../bin/openapi.html ../../openapi.yaml

.PHONY: generate
generate: ## Generate gen/, internal/server/ and internal/control/api/ from their documents, and record the exported names of gen
	go generate .
	go test -count=1 -run '^TestExportedNames/gen$$' ./internal/test/architecture -update

.PHONY: check-generate
check-generate: ## Fail if the generated code is not what openapi.yaml generates, or breaks other code
	go test -count=1 -run '^TestGenerated' ./internal/test/architecture

# Each run has every benchmark once, so that a machine whose speed changes slows a
# benchmark and its floor alike. The output stays in bin/bench.txt. To compare two:
#   go tool -modfile=internal/tools/go.mod benchstat old.txt bin/bench.txt
#
# BenchmarkFloor is the floor of its package's benchmarks, BenchmarkWordFloor that of
# those whose names contain the word; see `go doc ./internal/cmd/benchratio`.
.PHONY: bench
bench: ## Run the benchmarks and print the ratio of each to its floor; COUNT=5 BENCH=.
	@mkdir -p bin
	files=$$(go list -f '{{$$dir := .Dir}}{{range .TestGoFiles}}{{$$dir}}/{{.}} {{end}}{{range .XTestGoFiles}}{{$$dir}}/{{.}} {{end}}' ./...); \
	packages=$$(grep -l '^func Benchmark' $$files | xargs -n1 dirname | sort -u); \
	for ((run = 0; run < $(COUNT); run++)); do \
		go test -run '^$$' -bench '$(BENCH)' -benchmem $$packages; \
	done | tee bin/bench.txt
	@go run ./internal/cmd/benchratio < bin/bench.txt

.PHONY: bench-e2e
bench-e2e: internal/test/interop/node_modules ## Compare pushertest with soketi (needs Node.js and Linux); COUNT=5
	@mkdir -p bin
	go test -tags interop -run '^$$' -bench . -count=$(COUNT) ./internal/test/interop | tee bin/bench-e2e.txt
	@go run ./internal/cmd/benchratio < bin/bench-e2e.txt

# A separate module, because it imports the official library.
.PHONY: bench-official
bench-official: ## Compare the library with pusher-http-go; COUNT=5 BENCH=.
	@mkdir -p bin
	for ((run = 0; run < $(COUNT); run++)); do \
		go -C internal/test/official test -run '^$$' -bench '$(BENCH)' -benchmem ./...; \
	done | tee bin/bench-official.txt
	@go run ./internal/cmd/benchratio < bin/bench-official.txt

.PHONY: bench-publisher
bench-publisher: ## Measure the publisher against servers that limit and fail, about 80 seconds
	go run ./internal/cmd/publisherbench

.PHONY: bench-once
bench-once: ## Run each benchmark once, to check that it works
	@$(call each,go test -run '^$$' -bench . -benchtime 1x ./...)

.PHONY: fuzz
fuzz: ## Run each fuzz target; FUZZTIME=1m
	@targets=$$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { names[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, names[i]; n = 0 }'); \
	if [[ -z $$targets ]]; then echo "no fuzz target found"; exit 1; fi; \
	while read -r package name; do \
		echo "$$package $$name"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$package"; \
	done <<< "$$targets"

# The first run of the tests, times FACTOR, is the timeout of the others, so it must not be
# cached. Do not add --test-cpu: gremlins 0.6.0 passes it to go test as one argument, which
# fails, and then it counts every change as noticed.
.PHONY: mutate
mutate: ## Change the code of a package in many ways, and print the changes that its tests do not notice; PKG=./auth FACTOR=10
	@[[ -n "$(PKG)" ]] || { echo "make mutate: set PKG, for example PKG=./auth" >&2; exit 1; }
	GOFLAGS=-count=1 $(TOOL) gremlins unleash --workers $(WORKERS) --timeout-coefficient $(FACTOR) --output-statuses lct $(PKG)

.PHONY: api
api: ## Record the exported names of the public packages, which `make test` compares
	go test -count=1 -run '^TestExported' ./internal/test/architecture -update

.PHONY: licenses
licenses: ## List the modules that the client links, with their licences
	@go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./pusher ./auth ./webhook | sort -u | \
	while read -r path version dir; do \
		kind=$$(cat "$$dir"/LICENSE* | grep -m1 -oE 'MIT License|Apache License|Redistribution and use' || echo unknown); \
		printf '%-36s %-10s %s\n' "$$path" "$$version" "$${kind/Redistribution and use/BSD License}"; \
	done

.PHONY: stage
stage: ## Write the modules to bin/proxy, a module proxy as it is after a release
	go run ./internal/cmd/release stage bin/proxy

# The tag of the root module comes first.
.PHONY: snapshot
snapshot: ## Build what a release publishes in bin/release, without the container image (needs the network)
	$(GORELEASER) check
	GORELEASER_CURRENT_TAG=$$(go run ./internal/cmd/release tags | sed -n 1p) $(GORELEASER) release --snapshot --clean --skip=docker

.PHONY: release-check
release-check: ## Check that the commit can be released as VERSION (needs what .ci/run needs)
	go run ./internal/cmd/release check "$(VERSION)"
	go run ./internal/cmd/release stage bin/proxy
	.ci/run
	$(MAKE) snapshot

.PHONY: tag
tag: ## Tag the modules as VERSION; pushes nothing
	go run ./internal/cmd/release check "$(VERSION)"
	for tag in $$(go run ./internal/cmd/release tags); do git tag "$$tag"; done

# FLAGS=--skip=publish rehearses it.
.PHONY: publish
publish: ## Publish the binaries and the image of the tag VERSION, as the workflow "release" does (needs Docker and GITHUB_TOKEN)
	@mkdir -p bin
	go run ./internal/cmd/release check "$(VERSION)"
	go run ./internal/cmd/release notes "$(VERSION)" > bin/notes.md
	GORELEASER_CURRENT_TAG="v$(VERSION)" $(GORELEASER) release --clean --release-notes bin/notes.md $(FLAGS)

.PHONY: vuln
vuln: ## Check all modules and their dependencies for known vulnerabilities (needs the network)
	@$(call each,$(TOOL) govulncheck ./...)

.PHONY: tidy
tidy: ## Tidy the go.mod files
	@$(call each,go mod tidy)
