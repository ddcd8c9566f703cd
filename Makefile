# Every target sets itself up on a machine with Go, make and bash; lint-openapi
# needs Node.js besides.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c

# Developer tools are pinned in a go.mod of their own, so that they reach no user.
TOOL := go tool -modfile=internal/tools/go.mod

FUZZTIME ?= 1m
COUNT    ?= 5
BENCH    ?= .

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Run the demonstration: a server and a client in one process
	go run ./examples/demo

.PHONY: test
test: ## Run all tests with the race detector
	go test -race ./...

.PHONY: lint
lint: ## Check format, vet (also for 32 bits), staticcheck and the go.mod files
	@unformatted=$$(gofmt -l .); if [[ -n $$unformatted ]]; then echo "not formatted, run gofmt -w:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	GOARCH=386 go vet ./...
	$(TOOL) staticcheck -checks all ./...
	go mod tidy -diff
	go -C internal/tools mod tidy -diff

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
	go test -count=1 -run '^TestGenerated' ./internal/architecture

# The runs stay in bin/bench.txt. To compare two of them:
#   go tool -modfile=internal/tools/go.mod benchstat old.txt bin/bench.txt
#
# BenchmarkFloor is the floor of its package's benchmarks, BenchmarkWordFloor
# that of those whose name contains the word; `go doc ./internal/benchratio` has the rest.
.PHONY: bench
bench: ## Run the benchmarks and print what each costs in units of its floor; COUNT=5 BENCH=.
	@mkdir -p bin
	packages=$$(grep -rl --include='*_test.go' '^func Benchmark' . | xargs -n1 dirname | sort -u); \
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count=$(COUNT) $$packages | tee bin/bench.txt
	@go run ./internal/benchratio < bin/bench.txt

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

.PHONY: vuln
vuln: ## Check the module and its dependencies for known vulnerabilities
	$(TOOL) govulncheck ./...

.PHONY: tidy
tidy: ## Tidy the go.mod files
	go mod tidy
	go -C internal/tools mod tidy
