# Every command of this repository. `make help` lists them.
# Needed beforehand: Go, git and make. The rest is installed when it is missed.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help

GO ?= go
# Quiet about what passes, aloud about what is skipped.
OUTCOME := .cache/tools/outcome
GOTEST := $(CURDIR)/$(OUTCOME) $(GO) test -json -p 2
# What `make test` has skipped, to be said at its end.
SKIPPED := $(CURDIR)/.cache/skipped

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

IMAGES ?= chatnode,operator,nats
IMAGES_ARCH ?= amd64,arm64
IMAGES_TAG ?= dev
PUSH ?=
NODES ?= 3

KUBE_BIN := $(CURDIR)/.cache/kubernetes/current/bin
LOCALCLUSTER := .cache/tools/localcluster
# Its programs are Kubernetes, which a linter would compile anew.
LOCALCLUSTER_OWN = $$($(GO) list -f '{{.Dir}}' ./... | grep -Ev '/(components|coredns|metricsserver)$$')

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
build: page ## Build bin/chatnode with the page inside, and bin/operator
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/chatnode ./chatnode
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/operator ./controllers

.PHONY: page
page: $(PAGE_BUNDLE) ## Bundle the page; installs Node and npm from Debian if missing

$(PAGE_MODULES): $(PAGE)/package.json $(PAGE)/package-lock.json
	hack/need "npm fetches what the page is made of" node=nodejs npm=npm
	cd $(PAGE) && npm ci --no-audit --no-fund
	touch $@

$(PAGE_BUNDLE): $(PAGE_MODULES) $(PAGE_SOURCES)
	cd hack/tools && $(GO) run ./webbundle -in $(CURDIR)/$(PAGE) -out $(CURDIR)/chatnode/web/dist
	touch $@

.PHONY: images
images: page ## Build the container images, without an engine, into .cache/images; PUSH=registry uploads them
	$(GO) run -C hack/tools ./images -arch '$(IMAGES_ARCH)' -tag '$(IMAGES_TAG)' -version '$(VERSION)' \
		-images '$(IMAGES)' -push '$(PUSH)' -out $(CURDIR)/.cache/images

##@ Try on Kubernetes

.PHONY: kubernetes
kubernetes: $(LOCALCLUSTER) ## Build Kubernetes, helm and kwok, once (6 to 8 minutes on two cores)
	$(LOCALCLUSTER) build

# Go knows in half a second that nothing has changed.
.PHONY: $(LOCALCLUSTER)
$(LOCALCLUSTER):
	CGO_ENABLED=0 $(GO) build -C hack/localcluster -o $(CURDIR)/$@ .

.PHONY: cluster-packages
cluster-packages:
	hack/need "nodes of the local cluster are made of them" containerd=containerd runc=runc \
		/usr/lib/cni/bridge=containernetworking-plugins iptables=iptables nft=nftables conntrack=conntrack \
		nginx=nginx-light ip=iproute2

.PHONY: cluster-up
cluster-up: $(LOCALCLUSTER) cluster-packages ## Start a real Kubernetes of NODES (3) on this machine, without a container engine
	$(LOCALCLUSTER) up --nodes $(NODES)

.PHONY: cluster-down
cluster-down: $(LOCALCLUSTER) ## End it; nothing stays
	$(LOCALCLUSTER) down

.PHONY: cluster-status
cluster-status: $(LOCALCLUSTER) ## What runs, since when, and where the logs are
	$(LOCALCLUSTER) status

##@ Housekeeping

.PHONY: clean
clean: ## Remove everything that make made: binaries, bundle, caches, data
	[ ! -e .cache/cluster ] || [ ! -x $(LOCALCLUSTER) ] || $(LOCALCLUSTER) down
	rm -rf bin .cache $(PAGE)/node_modules
	find chatnode/web/dist -type f ! -name .gitkeep -delete

##@ Change

.PHONY: unit
unit: $(OUTCOME) ## The inner loop: product packages with -short, under two minutes
	$(GOTEST) -p 4 -short -timeout 2m $(PRODUCT)

.PHONY: lint
lint: $(LINT) ## golangci-lint, the version pinned in hack/tools
	$(LINT) run ./...
	cd hack/tools && $(CURDIR)/$(LINT) run --config $(CURDIR)/.golangci.yml ./...
	cd hack/localcluster && $(CURDIR)/$(LINT) run --config $(CURDIR)/.golangci.yml $(LOCALCLUSTER_OWN)

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
test: export OUTCOME_SKIPPED := $(SKIPPED)
test: forget-skipped lint check-generated test-tools test-product test-charts test-system e2e ## Everything: lint, stale check, all tests on real servers, SDKs, a browser and a real Kubernetes
	@[ ! -s $(SKIPPED) ] || { echo; echo "SKIPPED, and so not tested:"; cat $(SKIPPED); }

.PHONY: forget-skipped
forget-skipped:
	@rm -f $(SKIPPED)

# Go knows in half a second that nothing has changed.
.PHONY: $(OUTCOME)
$(OUTCOME):
	@$(GO) build -C hack/tools -o $(CURDIR)/$@ ./outcome

.PHONY: test-product
test-product: kubernetes $(OUTCOME) ## Product packages with -race, long tests included
	$(GOTEST) -race -timeout 20m $(PRODUCT)
	$(GOTEST) -timeout 5m -run WhileTheyRun ./controllers/plan # what says !race

# Go would take a skip from its cache although what was missing is there now: -count=1.
.PHONY: test-tools
test-tools: test-packages $(OUTCOME) ## The tools' own tests
	cd hack/tools && $(GOTEST) -count=1 -timeout 5m ./...
	cd hack/localcluster && $(GOTEST) -count=1 -short -timeout 5m $(LOCALCLUSTER_OWN)

# Where they can't be installed the tests that need them say so.
.PHONY: test-packages
test-packages:
	@if command -v apt-get >/dev/null && { [ "$$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then \
		$(MAKE) --no-print-directory cluster-packages; fi

.PHONY: test-localcluster
test-localcluster: kubernetes cluster-packages ## The local cluster itself, from up to down (two minutes)
	cd hack/localcluster && $(GO) test -count=1 -timeout 15m ./test

.PHONY: test-charts
test-charts: kubernetes $(OUTCOME) ## The charts and config/: rendered, linted, and put to a real API server
	$(GOTEST) -race -timeout 5m ./charts/...

# One package at a time: each starts servers of its own, and several sets of
# them on few cores would measure the scheduler.
.PHONY: test-system
test-system: page tools-of-tests $(OUTCOME) ## test/: real NATS servers and chat nodes, SDKs, browser, import rules
	$(GOTEST) -p 1 -race -count=1 -timeout 30m ./test/...

.PHONY: tools-of-tests
tools-of-tests:
	hack/need "the SDK tests run in Node, the page tests in a browser, the lines of the documentation in curl" node=nodejs npm=npm chromium=chromium curl=curl
	hack/need "clients of MySQL drive CometQL, HAProxy checks its nodes, and wrk sends and pulls as fast as it can" mariadb=mariadb-client haproxy=haproxy wrk=wrk

.PHONY: e2e
e2e: $(LOCALCLUSTER) e2e-packages kubernetes $(OUTCOME) ## End to end on a real Kubernetes: the local cluster, or that of KUBECONFIG
	$(MAKE) images IMAGES_ARCH=$(shell $(GO) env GOARCH)
	$(OUTCOME) -all $(GO) tool test2json -p ./test/e2e hack/e2e

.PHONY: e2e-packages
e2e-packages:
	@[ -n "$${KUBECONFIG:-}" ] || [ "$$(id -u)" -ne 0 ] || $(MAKE) cluster-packages

.PHONY: chaos
chaos: ## Kill nodes and servers under load, stop reading for PAUSE (60s): ROUNDS (20), CLIENTS (50), ROOMS (20)
	CHAOS_ROUNDS=$(ROUNDS) CHAOS_CLIENTS=$(CLIENTS) CHAOS_ROOMS=$(ROOMS) CHAOS_PAUSE=$(PAUSE) \
		$(GO) test -p 1 -count=1 -timeout 12h -v -run '^Test(Chaos|SlowReader)' ./test/...

.PHONY: bench
bench: ## Measure a chat node beside socket.io and the least possible, and by the size of rooms; BENCH picks by name
	hack/need "the bench measures socket.io beside chatnode" node=nodejs npm=npm
	$(GO) test -count=1 -timeout 20m -run '^$$' -bench '$(BENCH)' -benchtime 1x ./test/bench
	$(GO) test -count=1 -timeout 20m -run '^$$' -bench '$(BENCH)' -benchtime 1x ./chatnode/chat

.PHONY: bench-operator
bench-operator: build cluster-up ## Measure the operator with a thousand ChatClusters, on the local cluster
	$(GO) test -c -o .cache/bench/operator.test ./test/bench/operator
	cd test/bench/operator && $(CURDIR)/$(LOCALCLUSTER) run env CHATFLEET_KUBE_BIN=$(KUBE_BIN) \
		BENCH_OPERATOR=$(CURDIR)/bin/operator BENCH_AUDIT_LOG=$(CURDIR)/.cache/cluster/audit.log \
		$(CURDIR)/.cache/bench/operator.test -test.run '^$$' -test.bench . -test.benchtime 1x -test.timeout 60m

##@ Help

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
