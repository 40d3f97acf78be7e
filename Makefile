# `make` shows what there is. Everything is set up on first use, in .venv; nothing outside this folder is touched.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
TESTS := .venv/tests

.PHONY: help demo test lint types quick slow bench clean

help:            ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(TESTS): $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	npm install --silent --no-audit --no-fund --prefix .venv/exiftool exiftool-vendored.pl || echo "no npm: the comparison with exiftool is left out"
	npm install --silent --no-audit --no-fund --prefix .venv/axe axe-core || echo "no npm: whether pages are accessible is left out"
	touch $@

demo: $(READY)   ## crawl a small web on this machine and show the decisions
	$(BIN)/maymine demo

test: lint types quick slow bench    ## everything

lint: $(TESTS)   ## ruff
	$(BIN)/ruff check .

types: $(TESTS)  ## mypy --strict
	$(BIN)/mypy

quick: $(TESTS)  ## the fast tests, with branch coverage of rules/
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

slow: $(TESTS)   ## real servers, large corpora, long runs
	$(BIN)/python -m pytest -m slow

bench: $(TESTS)  ## ratios, one process, nothing beside it
	$(BIN)/python -m pytest -n 0 -m bench -s

clean:           ## remove what the targets above made
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage maymine-demo maymine-demo-[0-9]*
