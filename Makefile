# Every command of this repository. `make help` lists them.
# Needed beforehand: Go, git and make. The rest is installed when it is missed.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help

GO ?= go
GOTEST := $(GO) test -p 2

# The product's packages; the tests on real processes live under test/.
PRODUCT := $(patsubst %,./%/...,$(wildcard api chatnode controllers))

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -X main.version=$(VERSION)

DATA ?= .cache/data
FUZZTIME ?= 10s
BENCH ?= .
ROUNDS ?= 20
CLIENTS ?= 50
ROOMS ?= 20
PAUSE ?= 60s

LINT_VERSION := $(shell awk '$$1 == "github.com/golangci/golangci-lint/v2" {print $$2}' hack/tools/go.mod)
LINT := .cache/tools/golangci-lint-$(LINT_VERSION)

PAGE := chatnode/web/page
PAGE_MODULES := $(PAGE)/node_modules/.package-lock.json
PAGE_BUNDLE := chatnode/web/dist/.bundled
PAGE_SOURCES := $(shell find $(PAGE) -name node_modules -prune -o -type f -print 2>/dev/null) \
	$(shell find hack/tools/webbundle -type f 2>/dev/null)

##@ Use

.PHONY: run
run: page ## Run one chat node with development tokens; data in DATA (.cache/data)
	@echo "Open http://127.0.0.1:8080 in two windows and chat. Ctrl-C ends it; the messages stay in $(DATA)."
	$(GO) run -ldflags '$(LDFLAGS)' ./chatnode --dev --data-dir $(DATA)

.PHONY: build
build: page ## Build bin/chatnode with the page inside
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/chatnode ./chatnode

.PHONY: page
page: $(PAGE_BUNDLE) ## Bundle the page; installs Node and npm from Debian if missing

$(PAGE_MODULES): $(PAGE)/package.json $(PAGE)/package-lock.json
	hack/need "npm fetches what the page is made of" node=nodejs npm=npm
	cd $(PAGE) && npm ci --no-audit --no-fund
	touch $@

$(PAGE_BUNDLE): $(PAGE_MODULES) $(PAGE_SOURCES)
	cd hack/tools && $(GO) run ./webbundle -in $(CURDIR)/$(PAGE) -out $(CURDIR)/chatnode/web/dist
	touch $@

.PHONY: clean
clean: ## Remove everything that make made: binaries, bundle, caches, data
	rm -rf bin .cache $(PAGE)/node_modules
	find chatnode/web/dist -type f ! -name .gitkeep -delete

##@ Change

.PHONY: unit
unit: ## The inner loop: product packages with -race -short, under two minutes
	$(GOTEST) -race -short -timeout 2m $(PRODUCT)

.PHONY: lint
lint: $(LINT) ## golangci-lint, the version pinned in hack/tools
	$(LINT) run ./...
	cd hack/tools && $(CURDIR)/$(LINT) run --config $(CURDIR)/.golangci.yml ./...

$(LINT):
	@echo "Building golangci-lint $(LINT_VERSION), once (about two minutes)."
	cd hack/tools && $(GO) build -trimpath -o $(CURDIR)/$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: generate
generate: ## Make every generated file anew
	$(GO) generate ./...

.PHONY: check-generated
check-generated: ## Fail when a generated file is stale
	hack/check-generated

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (10s)
	hack/fuzz $(FUZZTIME) $(wildcard api chatnode controllers test)

##@ Prove

.PHONY: test
test: lint check-generated test-tools test-product test-system ## Everything: lint, stale check, all tests on real servers, SDKs and a browser

.PHONY: test-product
test-product: ## Product packages with -race, long tests included
	$(GOTEST) -race -timeout 10m $(PRODUCT)

.PHONY: test-tools
test-tools: ## The tools' own tests
	cd hack/tools && $(GOTEST) -timeout 5m ./...

# One package at a time: each starts servers of its own, and several sets of
# them on few cores would measure the scheduler.
.PHONY: test-system
test-system: page tools-of-tests ## test/: real NATS servers and chat nodes, SDKs, browser, import rules
	$(GO) test -p 1 -race -count=1 -timeout 20m ./test/...

.PHONY: tools-of-tests
tools-of-tests:
	hack/need "the SDK tests run in Node, the page tests in a browser" node=nodejs npm=npm chromium=chromium

.PHONY: chaos
chaos: ## Kill nodes and servers under load, stop reading for PAUSE (60s): ROUNDS (20), CLIENTS (50), ROOMS (20)
	CHAOS_ROUNDS=$(ROUNDS) CHAOS_CLIENTS=$(CLIENTS) CHAOS_ROOMS=$(ROOMS) CHAOS_PAUSE=$(PAUSE) \
		$(GO) test -p 1 -count=1 -timeout 12h -v -run '^Test(Chaos|SlowReader)' ./test/...

.PHONY: bench
bench: ## Measure a chat node beside socket.io and the least possible; BENCH picks by name
	hack/need "the bench measures socket.io beside chatnode" node=nodejs npm=npm
	$(GO) test -count=1 -timeout 20m -run '^$$' -bench '$(BENCH)' -benchtime 1x ./test/bench

##@ Help

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
