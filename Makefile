# caredispatch: every target says what it does; `make` lists them.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.set-up

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak lint format bench bench-rehearsal outcomes lock schema conduct assumptions vendor clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with the locked dependencies and caredispatch in it

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "caredispatch needs Python 3.11 or newer ($(PYTHON) is older): set PYTHON=..."; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python lacks its venv module: install the package python3-venv"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "making .venv with the locked dependencies ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . >&2
	@touch $@

demo: setup ## the worked example on http://127.0.0.1:8321/ (ARGS="--once --json", ARGS="--help")
	@$(BIN)/caredispatch demo --data var/demo $(ARGS)

test: setup ## every test, against a real PostgreSQL
	$(BIN)/python -m pytest -n 2 $(ARGS)

soak: setup ## many random days against the promises (DAYS=20000 FROM=1000)
	CAREDISPATCH_RANDOM_DAYS=$(or $(DAYS),20000) CAREDISPATCH_FIRST_DAY=$(or $(FROM),1000) $(BIN)/python -m pytest -n 2 tests/core/test_random_days.py -k promise

lint: setup ## format, lint, strict types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src tests
	$(BIN)/lint-imports --no-cache

format: setup ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## measure (ARGS="--json build/bench.json")
	@$(BIN)/python -m caredispatch.lab.bench $(ARGS)

outcomes: setup ## rewrite docs/outcomes.md: practices by hand and stage by stage (ARGS="--runs 3": a short one)
	@$(BIN)/python -m caredispatch.lab.outcomes --build "$$(git describe --always --dirty)" $(ARGS)

bench-rehearsal: setup ## how long a rehearsed month takes (ARGS="--json")
	@$(BIN)/python -m caredispatch.lab.rehearsal_bench $(ARGS)

schema: setup ## rewrite docs/playbook.schema.json
	$(BIN)/python -m caredispatch.policy.schema > docs/playbook.schema.json

conduct: setup ## rewrite docs/conduct.md: each rule and its tests
	$(BIN)/python -m tests.docs.conduct

assumptions: setup ## rewrite what docs/rehearsal.md says the simulated world assumes
	$(BIN)/python -m tests.docs.assumptions

lock: setup ## renew requirements.lock from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev -o requirements.lock pyproject.toml requirements.build

vendor: ## renew other people's JavaScript from tools/vendor/package-lock.json (needs npm)
	npm --prefix tools/vendor ci --ignore-scripts --silent
	cp tools/vendor/node_modules/htmx.org/dist/htmx.min.js src/caredispatch/web/static/vendor/htmx.js
	cp tools/vendor/node_modules/htmx-ext-sse/dist/sse.min.js src/caredispatch/web/static/vendor/htmx-sse.js
	cp tools/vendor/node_modules/idiomorph/dist/idiomorph-ext.min.js src/caredispatch/web/static/vendor/idiomorph.js

clean: ## remove what was made here
	rm -rf .venv build var .mypy_cache .ruff_cache .pytest_cache
