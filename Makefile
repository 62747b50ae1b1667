# Each target needs Python 3.11 and make only: it makes .venv and installs what it uses.
PYTHON ?= python3.11
PORT ?= 8080
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile --quiet --no-config --generate-hashes --no-annotate --python-version 3.11 \
	--python-platform linux --custom-compile-command "make lock"

.PHONY: run test lint format lock audit fuzz openapi bench

run: .venv/installed
	@$(BIN)/python -m local --port $(PORT)

test: .venv/installed
	@$(BIN)/python -m pytest -q

lint: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict func.py presign local gateway deploy tools/bench

format: .venv/installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

openapi: .venv/installed
	$(BIN)/python -m gateway.openapi > gateway/openapi.json

# Lock what requirements*.in name, with all that it needs and the hashes of all its files, for every platform of OCI.
lock: .venv/installed
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -c requirements.txt -o requirements-dev.txt

# Ten minutes of fuzzing. atheris has no files for aarch64, so it is not among the requirements.
fuzz: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check atheris==3.0.0
	$(BIN)/python -m tools.fuzz -max_total_time=600

# Known vulnerabilities of what is locked.
audit: .venv/installed
	@$(BIN)/python .ci/audit.py

bench: .venv/bench .bench/plain .bench/image .bench/node
	@$(BIN)/python -m tools.bench

.venv/bench: .venv/installed tools/bench/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r tools/bench/requirements.txt
	@touch $@

.bench/plain: .venv/installed requirements.txt
	rm -rf $@ && mkdir -p .bench
	$(BIN)/pip install --quiet --disable-pip-version-check --target $@ -r requirements.txt
	@touch $@

.bench/image: .venv/installed requirements.txt func.py $(shell find presign deploy -name '*.py')
	rm -rf $@
	$(BIN)/python -m deploy package $@

# Those that run in Node are left out where there is none.
.bench/node: tools/bench/peers/package.json tools/bench/peers/node.mjs
	mkdir -p $@ && cp $^ $@
	@cd $@ && npm install --no-package-lock --no-audit --no-fund --silent || echo "Without Node's packages."
	@touch $@

.venv/installed: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
