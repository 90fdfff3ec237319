# Everything a fresh machine with Python 3.11-3.13 and make needs: `make demo`, `make test`.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, venv, ensurepip; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	>/dev/null 2>&1 && { echo $$p; break; }; done)
FLOORS := specs panels estimation reports tfplab
SOURCES := $(FLOORS) tests benchmarks
PYTEST_OPTIONS ?= -n auto

.PHONY: help demo test check test-heavy docs wheelhouse clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 with the venv module was found (on Debian: apt install python3-venv). Name one: make demo PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	$(BIN)/python -m compileall -q $(FLOORS)
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,docs]'
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@

demo: $(VENV)/.installed  ## synthetic microdata, a full run, and the path of its report, in ./demo
	$(BIN)/tfplab demo demo

test: $(VENV)/.installed-dev  ## the tests; those that need a program of Debian's are skipped by name where it is missing
	$(BIN)/python -m pytest $(PYTEST_OPTIONS) -m "not heavy"

test-heavy: $(VENV)/.installed-dev  ## the long simulations
	$(BIN)/python -m pytest -m heavy

check: $(VENV)/.installed-dev  ## style, types and the floors
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-docs  ## the docs as a site, in ./site, that needs no network
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -c docs -d $(VENV)/doctrees . site
	@echo "the docs: site/index.html"

wheelhouse: $(BIN)/python  ## all wheels in ./wheelhouse, for a room without internet
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --constraint constraints.txt --wheel-dir wheelhouse .
	@echo "Carry ./wheelhouse in, then: pip install --no-index --find-links wheelhouse tfplab"

clean:  ## removes the environment, the demo and the caches
	rm -rf $(VENV) demo site wheelhouse .mypy_cache .ruff_cache .pytest_cache .hypothesis
