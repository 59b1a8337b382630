# Klapka. `make` or `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
LDFLAGS := -s -w -X main.version=$(VERSION)
export CGO_ENABLED ?= 0

.PHONY: help run dev test check lint gen e2e fuzz bench screenshots prompts build web clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Build everything and serve the demo company on this machine
	bin/klapka serve --demo

dev: ## Serve the demo from source, pages reloading as they are edited
	.ci/dev

test: ## Everything: all tests with -race, both databases, real phones; a skip is a failure
	.ci/test

check: ## Formatting, vet, lint, walls, stale generation, unit tests: before each commit
	.ci/check

lint: ## Linters for Go and for the pages
	.ci/lint

gen: ## Write what is generated: example configuration, manual's table, API types
	.ci/gen

e2e: build ## The shipped binary with real phones and browsers
	.ci/e2e

fuzz: ## Fuzz every parser, each for FUZZTIME (default 10s)
	.ci/fuzz

bench: build ## Measure the shipped program, and write docs/benchmarks.md
	.ci/bench

screenshots: build ## Picture every page into docs/screenshots
	npm run screenshots

prompts: ## Speak the built-in announcements anew (needs espeak-ng and sox)
	go run ./media/audio/gen

web:
	.ci/web

build: web ## Build bin/klapka, one static binary with the pages in it
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/klapka ./cmd/klapka

clean: ## Remove what was built; never touches data
	rm -rf bin test-results .cache
	find webclient/dist admin/dist -mindepth 1 ! -name .keep -delete
