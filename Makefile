# The same verbs for people and CI. `make help` lists them.
#
# Everything runs in .venv, which is made from the locks when it is needed and only then:
# .venv/.runtime stands for what Doorstaff runs on, .venv/.dev for the tools of its developers.
# What the bench compares with lives apart, in build/peers-venv.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input install
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet

# The first Python that Doorstaff runs on; `make PYTHON=/path/to/python …` names another.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,\
	$(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))

DATA ?= ../shared/data

.PHONY: help setup demo up test lint check bench format lock clean

help: ## Say what there is
	@echo "Doorstaff: make VERB"
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

setup: .venv/.dev ## Make .venv with all that running and developing need

demo: .venv/.runtime ## Play an evening of traffic with attacks in it through the real pipeline
	@$(BIN)/doorstaff demo

up: .venv/.runtime ## Run everything on this machine until Ctrl-C
	@$(BIN)/doorstaff up

test: .venv/.dev ## Run the tests; those that lack a service are skipped, in CI they fail
	@echo "pytest, units on all cores"; $(BIN)/python -m pytest tests/unit -n auto --dist loadscope
	@echo "pytest, the rest one by one"; $(BIN)/python -m pytest --ignore tests/unit

lint: .venv/.dev ## Check style, format, types and who may import whom
	@echo "ruff check"; $(BIN)/ruff check .
	@echo "ruff format"; $(BIN)/ruff format --check .
	@echo "mypy"; $(BIN)/mypy
	@echo "lint-imports"; $(BIN)/lint-imports --no-logo

check: lint test ## Lint and test

bench: .venv/.dev build/peers-venv/.ready ## Measure rates; on labelled data too: make bench DATA=FOLDER (../shared/data)
	@$(BIN)/python -m bench.rate $(RATE)
	@echo "bench.reader"; $(BIN)/python -m bench.reader
	@echo "bench.obfuscation"; $(BIN)/python -m bench.obfuscation
	@for name in index retroactive; do \
		echo "bench.$$name"; $(BIN)/python -m "bench.$$name" --docs "docs/benchmarks/$$name.md"; \
	done
	@echo "bench.hostile"; $(BIN)/python -m bench.hostile --plot docs/images/hostile-growth.png
	@[[ -d "$(DATA)/videos" ]] || { \
		echo "make: the labelled benches are left out: no $(DATA)/videos. make bench DATA=FOLDER takes" \
			"a folder that holds signups_ecommerce.jsonl, event_pages.jsonl, comments.jsonl" \
			"and videos/"; \
		exit 0; }; \
	for name in velocity link_spam learned_text; do \
		echo "bench.$$name"; $(BIN)/python -m "bench.$$name" --data "$(DATA)"; \
	done; \
	echo "bench.media_screening"; $(BIN)/python -m bench.media_screening --videos "$(DATA)/videos"; \
	echo "bench.edits"; $(BIN)/python -m bench.edits --videos "$(DATA)/videos" \
		--cache build/bench-videos --minutes 75 --docs docs/benchmarks/edits.md; \
	echo "bench.screening_speed"; $(BIN)/python -m bench.screening_speed \
		--videos "$(DATA)/videos" --cache build/bench-videos --docs docs/benchmarks/screening.md; \
	echo "bench.sound"; $(BIN)/python -m bench.sound --videos "$(DATA)/videos"

format: .venv/.dev ## Put the code into its format
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lock: .venv/.dev ## Choose the newest versions of all dependencies anew
	@echo "requirements.lock"; $(LOCK) --upgrade --group build -o requirements.lock
	@echo "requirements-dev.lock"; $(LOCK) --upgrade --group build --group dev -c requirements.lock \
		-o requirements-dev.lock
	@echo "bench/peers/requirements.lock"; $(subst pyproject.toml,bench/peers/requirements.in,$(LOCK)) \
		--upgrade -o bench/peers/requirements.lock

clean: ## Remove .venv and what tools have cached; what Doorstaff keeps in .doorstaff stays
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build ./*.egg-info

.venv/.runtime: requirements.lock pyproject.toml
	@[[ -n "$(PYTHON)" ]] || { \
		echo "make: Doorstaff needs Python 3.11 or newer, and there is none on the PATH." >&2; \
		echo "      Install it, or name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
		exit 1; }
	@if [[ ! -x $(BIN)/python ]] || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		echo "Making .venv with $$($(PYTHON) --version)"; \
		rm -rf .venv; \
		$(PYTHON) -m venv .venv || { \
			echo "make: this Python makes no virtual environments; on Debian and Ubuntu install" \
				"the package python3-venv" >&2; exit 1; }; \
	fi
	@echo "Installing what Doorstaff runs on (requirements.lock); the first time takes a minute"
	@$(PIP) --require-hashes --requirement requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.lock
	@echo "Installing the developers' tools (requirements-dev.lock)"
	@$(PIP) --require-hashes --requirement requirements-dev.lock
	@touch $@

build/peers-venv/.ready: .venv/.runtime bench/peers/requirements.lock
	@echo "Installing what the bench compares with (bench/peers/requirements.lock)"
	@$(BIN)/python -m venv --clear build/peers-venv
	@build/peers-venv/bin/python -m pip --quiet --disable-pip-version-check --no-input install \
		--require-hashes --requirement bench/peers/requirements.lock
	@touch $@
