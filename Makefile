# `make demo` shows what Dockyard does, `make test` checks all of it; `make help` lists the rest.
# Both install what is missing (as root, on Debian) and can be run again at any time.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
SOURCES := src tests $(wildcard bench examples) scripts/demo scripts/demo-rag scripts/demo-serve scripts/steps.py
JOBS ?= $(shell n=$$(nproc); echo $$((n < 4 ? n + 1 : 4)))
ROUNDS ?= 10
SECONDS_EACH ?= 60

.PHONY: help setup setup-dev demo demo-rag demo-serve test lint format types unit integration soak fuzz bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## install what Dockyard needs, and Dockyard into .venv
	@scripts/setup

setup-dev:
	@scripts/setup --dev

demo: setup ## build the embedding service, run it, ask it
	@$(BIN)/python scripts/demo

demo-rag: setup ## a stack that answers questions about texts: Compose, a vector database, a cache, metrics
	@$(BIN)/python scripts/demo-rag

demo-serve: setup ## a model from no container to eight and back, with a bad canary, under load all the time
	@$(BIN)/python scripts/demo-serve

test: lint types ## everything: ruff, mypy, unit, contract and integration tests
	@echo "== tests: unit, contract and integration (real containers)"
	@$(PYTEST) -n $(JOBS) --dist worksteal $(wildcard tests/unit tests/contract tests/integration)

lint: setup-dev ## ruff
	@echo "== ruff check"
	@$(BIN)/ruff check $(SOURCES)
	@echo "== ruff format"
	@$(BIN)/ruff format --check $(SOURCES)

format: setup-dev ## let ruff format the sources
	@$(BIN)/ruff format $(SOURCES)

types: setup-dev ## mypy --strict
	@echo "== mypy --strict"
	@$(BIN)/mypy

unit: setup-dev ## tests that need no container
	@$(PYTEST) $(wildcard tests/unit tests/contract)

integration: setup-dev ## tests with real containers; needs root
	@$(PYTEST) tests/integration

soak: setup-dev ## 500 containers while processes are killed, the crash tests with ROUNDS=10 times the points, pushes and pulls that are killed, large Python environments, a batch of 100,000 records, thousands of rollouts, all services, examples/rag with PostgreSQL, half an hour of load while parts are killed, the demo of serving
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) -s --timeout 0 tests/integration/test_soak.py
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) --timeout 0 tests/integration/test_crash.py tests/integration/test_concurrency.py
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) -s --timeout 0 tests/integration/test_shipping_soak.py
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) --timeout 0 tests/integration/test_pull.py tests/integration/test_pull_broken.py tests/integration/test_push_broken.py tests/integration/test_registry_server_crash.py
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) --timeout 0 tests/integration/test_package_layers.py
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) -s --timeout 0 tests/integration/test_batch.py -k whatever_is_killed
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) --timeout 0 tests/unit/serving/decide/test_rollouts_simulated.py
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) --timeout 0 tests/integration/test_stock_soak.py
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) --timeout 0 tests/integration/test_rag.py
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) -s --timeout 0 tests/integration/test_serve_load.py
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) --timeout 0 tests/contract/test_gateway_routing.py -k shares
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) --timeout 0 tests/integration/test_serve_examples_ab.py
	@DOCKYARD_SOAK=$(ROUNDS) $(PYTEST) --timeout 0 tests/integration/test_demo_serve.py

fuzz: setup-dev ## Atheris on every target for SECONDS_EACH=60, then the property tests, 5,000 examples each, 20,000 Compose files
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install -q 'atheris>=3.0'
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS_EACH)
	@COMPOSE_FILES=20000 $(PYTEST) -p tests.fuzz_profile --hypothesis-profile=fuzz -m hypothesis --timeout 0 $(wildcard tests/unit tests/contract)

bench: setup-dev ## compare with Docker and Podman, where they are installed
	@$(BIN)/python -m bench

clean: ## remove what was made in this directory (images and containers stay)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	@find src tests examples scripts -name __pycache__ -type d -prune -exec rm -rf {} +
