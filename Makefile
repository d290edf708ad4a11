# Every target works as the first command in a fresh clone: Python 3.11+ and make are all it needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
INSTANCE ?= town
PERSON ?= zhou-min
DATA ?= ../shared/data
RATE ?= 50 200

# A user without a writable home directory keeps the download caches here.
ifneq ($(shell test -n "$(HOME)" && test -w "$(HOME)" && echo yes),yes)
export HOME := $(CURDIR)/.local/home
endif

# Eight processes start from one set of compiled modules; a machine that keeps none would compile them eight times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help env lock up down demo drill real lint format schemas token bench load chaos \
  test test-long test-unit test-contract test-integration test-town test-http test-e2e test-faults test-browser

help: ## list everything
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 18

env: .venv/.synced ## create .venv from requirements.lock (instant when nothing changed)

.venv/.synced: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo '需要 Python 3.11 或更高版本 / Python 3.11 or newer is needed (make PYTHON=/path/to/python3)'; exit 1; }
	@echo '准备 Python 环境 / preparing the Python environment (.venv)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
	  || { rm -rf .venv; echo '缺少 venv 模块 / the venv module is missing (Debian, Ubuntu: apt install python3-venv)'; exit 1; }
	@uv=$$(sed -nE 's/^(uv==[^ ]+).*/\1/p' requirements.lock); \
	  $(BIN)/python -m uv --version 2>/dev/null | grep -qxF "$${uv/==/ }" || $(BIN)/python -m pip install --quiet --disable-pip-version-check "$$uv"
	$(BIN)/python -m uv pip sync --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/python -m uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation --editable .
	@touch $@

lock: env ## resolve requirements.lock again from pyproject.toml
	$(BIN)/python -m uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command 'make lock' --quiet --output-file requirements.lock

up: env ## run the town in the foreground; Ctrl-C stops everything
	$(BIN)/xunban stack up --instance $(INSTANCE)

down: env ## stop the stack of INSTANCE
	$(BIN)/xunban stack down --instance $(INSTANCE)

demo: env ## tell the story of a handful of cases on a fresh stack
	$(BIN)/xunban demo

drill: env ## restore drill: work, back up, destroy everything, restore, look every promise up
	$(BIN)/xunban drill

real: env ## drive real cases of DATA through the public APIs
	$(BIN)/xunban real $(DATA)

bench: env ## measure everything beside its baseline, in one run (about ten minutes)
	$(BIN)/python -m bench.run

load: env ## drive a town at RATE arrivals a second for SECONDS, find the highest rate, send a burst; compare with the log
	$(BIN)/xunban load $(foreach rate,$(RATE),--rate $(rate)) --seconds $(or $(SECONDS),60)

chaos: env ## do harm at random for SECONDS under load, then compare everything (SEED draws a run again)
	$(BIN)/xunban chaos --seconds $(or $(SECONDS),120) $(if $(SEED),--seed $(SEED))

# A run of pytest: under which name it leaves its output and what failed, and what it runs.
run = mkdir -p .local/results/test/$(1); $(BIN)/pytest --results $(1) $(2) 2>&1 | tee .local/results/test/$(1)/output.txt
BY_TWO := --numprocesses 2 --dist loadscope --no-loadscope-reorder

test: lint ## every check and every test, of the long runs (days, faults, bench) a short form
	@$(call run,all,$(BY_TWO) -m 'not long')

test-long: env ## the tests that `make test` leaves out
	@$(call run,long,$(BY_TWO) -m long)

test-unit: env ## tests without any server, in seconds; of what is drawn at random a fifth
	@$(call run,unit,$(BY_TWO) --hypothesis-profile quick tests/unit)

test-contract: env ## tests of what the events look like to others
	@$(call run,contract,tests/contract)

test-integration: env ## tests of parts on real servers
	@$(call run,integration,$(BY_TWO) tests/integration)

test-town: env ## tests of whole days of a town in virtual time
	@$(call run,town,tests/town)

test-http: env ## tests of what careless and hostile callers send
	@$(call run,http,tests/http)

test-e2e: env ## tests of the story of a case from call to closing
	@$(call run,e2e,tests/e2e)

test-faults: env ## tests in which processes are killed, stopped and starved
	@$(call run,faults,tests/faults)

test-browser: env ## tests of the pages in a real browser (XUNBAN_BROWSER=required: never skipped)
	@$(call run,browser,tests/browser)

lint: env ## ruff, mypy strict, import contracts, schemas up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/xunban schemas --check
	$(BIN)/xunban reference --check

schemas: env ## generate JSON Schemas, AsyncAPI and OpenAPI, and the references of events, endpoints, settings and metrics
	$(BIN)/xunban schemas
	$(BIN)/xunban reference

format: env ## format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

token: env ## print a token for PERSON of INSTANCE
	@$(BIN)/xunban token --instance $(INSTANCE) --person $(PERSON)
