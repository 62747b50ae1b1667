# Each target needs Python 3.11 and make only: it makes .venv and installs what it uses.
PYTHON ?= python3.11
PORT ?= 8080
BIN := .venv/bin

.PHONY: run test lint format openapi bench

run: .venv/installed
	@$(BIN)/python -m local --port $(PORT)

test: .venv/installed
	@$(BIN)/python -m pytest -q

lint: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict func.py start.py presign local gateway image bench

format: .venv/installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

openapi: .venv/installed
	$(BIN)/python -m gateway.openapi > gateway/openapi.json

bench: .venv/bench .bench/plain .bench/image .bench/node
	@$(BIN)/python -m bench

.venv/bench: .venv/installed bench/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@

.bench/plain: requirements.txt
	rm -rf $@ && mkdir -p .bench
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --target $@ -r requirements.txt
	@touch $@

.bench/image: .venv/installed requirements.txt func.py start.py $(shell find presign image -name '*.py')
	rm -rf $@
	$(BIN)/python -m image.build $@

# Those that run in Node are left out where there is none.
.bench/node: bench/peers/package.json bench/peers/node.mjs
	mkdir -p $@ && cp $^ $@
	@cd $@ && npm install --no-package-lock --no-audit --no-fund --silent || echo "Without Node's packages."
	@touch $@

.venv/installed: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
