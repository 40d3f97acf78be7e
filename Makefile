# `make` shows what there is. Everything is set up on first use, in .venv; nothing outside this folder is touched.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: help demo test lint types quick slow bench wheel clean

help:            ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	command -v exiftool >/dev/null || npm install --silent --prefix .venv/exiftool exiftool-vendored.pl || echo "no exiftool: one comparison is left out"
	touch $@

demo: $(READY)   ## crawl a small web on this machine and show the decisions
	$(BIN)/maymine demo

test: lint types quick slow bench    ## everything

lint: $(READY)   ## ruff
	$(BIN)/ruff check .

types: $(READY)  ## mypy --strict
	$(BIN)/mypy

quick: $(READY)  ## the fast tests, with branch coverage of rules/
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term-missing:skip-covered

slow: $(READY)   ## real servers, large corpora, long runs
	$(BIN)/python -m pytest -n 2 -m slow

bench: $(READY)  ## ratios, one process, nothing beside it
	$(BIN)/python -m pytest -m bench -s

clean:           ## remove what the targets above made
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage demo-run
