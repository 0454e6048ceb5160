# The everyday commands. `make demo` and `make test` are each complete on a fresh machine.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
BIN := .venv/bin
STATIC := src/sightline/server/edges/web/static
# A new pin or a new dependency makes a new environment; anything else reuses the one that stands.
ENV := .venv/.pins-$(shell cat constraints.txt pyproject.toml | sha256sum | cut -c1-16)
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' 2>/dev/null)

.PHONY: help env web demo test test-cluster check lint format bench golden tiny shots campaign-kills campaign-faults campaign-scale campaign-conformance campaign-instrumentations campaign-schemathesis campaign-families clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

env: $(ENV) ## .venv with everything, pinned

$(ENV): constraints.txt pyproject.toml
	@scripts/environment.sh $(PYTHON)
	@touch $@

web: $(STATIC)/index.html ## the pages, built into the package

$(STATIC)/index.html: $(ENV) $(WEB_SOURCES) hatch_build.py
	@$(BIN)/python hatch_build.py
	@touch $@

demo: env web ## the platform and the tiny model, answering about real images at a page on this machine
	@$(BIN)/sightline demo

test: env web ## every test of the suite (CPU, offline)
	@scripts/browser.sh
	@scripts/contract.sh
	@scripts/integrations.sh
	@$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

test-cluster: env ## the server's tests on PostgreSQL and a ClickHouse server
	@scripts/cluster.sh
	@scripts/contract.sh
	@$(BIN)/pytest -n 2 --dist loadfile --stack cluster tests/server $(ARGS)

check: lint test test-cluster ## all that CI runs, and the server's tests on a cluster

lint: env web ## ruff, mypy, import contracts, biome and tsc
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python hatch_build.py lint

format: env ## rewrite the sources in the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: env web ## speed and memory beside the peers; results in benchmarks/results
	@$(BIN)/python -m benchmarks

golden: env ## the only way golden files change
	@$(BIN)/pytest tests/golden --golden-update -q

tiny: env ## train sightline-tiny from nothing (under an hour on two cores)
	@$(BIN)/python -m sightline.vlm.recipes.tiny --out build/sightline-tiny

shots: env web ## take the screenshots under docs/ again
	@scripts/browser.sh
	@$(BIN)/python docs/shots.py

campaign-kills: env web ## 200 times kill -9, and SIGTERM between; every acknowledged span must be there once
	@$(BIN)/python -m benchmarks.campaign_kills --kills 200

campaign-faults: env web ## faults of disk, system, clock and engine × all that is written, and 500 kills (an hour; root and cc)
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.faults

campaign-scale: env web ## ten million observations in one folder: bytes, memory, answers (an hour, 20 GB of disk)
	@$(BIN)/python -m benchmarks.scale

campaign-conformance: env web ## the public suites of Langfuse's SDKs, from SUITES=folder, against a fresh server
	@$(BIN)/python -m benchmarks.conformance $(SUITES)

campaign-instrumentations: env web ## some sixty packages from the registries, newest versions, against a fresh server (needs the network)
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.campaign_instrumentations

campaign-schemathesis: env web ## 20,000 generated calls of both OpenAPI documents against a fresh server; none may be a 5xx
	@$(BIN)/python -m benchmarks.campaign_schemathesis

campaign-families: env ## every language and vision family of transformers: right, right by a slower way, or refused (minutes)
	@PYTHONPATH=tests/vlm $(BIN)/python -m benchmarks.campaign_families

clean: ## forget everything that was built
	rm -rf .venv .cache build dist $(STATIC) web/node_modules
