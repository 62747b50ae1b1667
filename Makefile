# Needs make and Python 3.11, 3.12 or 3.13. Each target makes .venv and installs what it uses; nothing else has to be
# there. The version that is deployed comes first where a machine has several. Oracle's FDK does not run on 3.14.
RUNTIME_PYTHON ?= 3.11
export RUNTIME_PYTHON
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for it in python$(RUNTIME_PYTHON) python3.11 python3.12 python3.13 python3 python; do \
	$$it -c '$(FITS)' 2> /dev/null && echo $$it && break; done)
NEEDS_PYTHON = [ -n "$(PYTHON)" ] && $(PYTHON) -c '$(FITS)' 2> /dev/null || { \
	echo "Python 3.11, 3.12 or 3.13 is needed: install one, or name it with PYTHON=/path/to/python." >&2; exit 1; }
PORT ?= 8080
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python
LOCK := $(BIN)/uv pip compile --quiet --no-config --generate-hashes --no-annotate \
	--custom-compile-command "make lock"
EVERYWHERE := --python-version 3.11 --universal
# Two for each core, as many tests wait.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 2)
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

# Or each process that the tests start would compile all files again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-unit test-browser test-live check lint format openapi clients release stamp lock audit pictures fuzz mutants load bench

# The whole system on this machine; POLICY=file.json is a policy of your own, PORT= another port.
run: .venv/run
	@$(BIN)/python -m local --port $(PORT) $(if $(POLICY),--policy "$(POLICY)")

# All tests but those that take over 20 s, those of web pages and those against another store.
test: .venv/dev
	@$(PYTEST) -m "not slow and not browser and not live"

test-unit: .venv/dev
	@$(PYTEST) tests/unit

# The tests of the browser module, the demo page and their packages, but the slow ones. They need Chromium and npm.
test-browser: .venv/dev
	@$(PYTEST) -m "browser and not slow"

# The round trips against the S3 server that LIVE_S3_* name, or SeaweedFS, which is started for them.
test-live: .venv/dev
	@$(PYTEST) -m live

# The tests that `make test` leaves out.
check: .venv/check
	@$(PYTEST) -m "slow or browser or live"

lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff check --preview --select PLW1514  # by itself, since --preview changes other rules too
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/zizmor --offline --quiet --persona pedantic .github environments/github-actions.yml

format: .venv/dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

openapi: .venv/dev
	$(BIN)/python -m gateway.openapi > gateway/openapi.json

# The browser module in one file with its types, as an npm package. It needs npm.
DIST ?= dist
NODE := tests/browser/node_modules
clients: $(NODE)/.package-lock.json
	@$(NODE)/.bin/rollup --silent --config clients/js/rollup.config.mjs --dir "$(DIST)/js"
	@$(NODE)/.bin/tsc --allowJs --checkJs --strict --stripInternal --declaration --emitDeclarationOnly --types "" \
		--target es2023 --lib es2023,dom,dom.iterable,dom.asynciterable --module esnext --moduleResolution bundler \
		"$(DIST)/js/presign.js"
	@cp clients/js/package.json clients/js/README.md LICENSE "$(DIST)/js"

# The files of a release, in dist/, made of what git tracks; TAG= is the tag that it must have.
release: .venv/dev $(NODE)/.package-lock.json
	@$(BIN)/python -m tools.release $(if $(TAG),--tag "$(TAG)")

# Writes the version of func.yaml and the repository of pyproject.toml wherever packages and pages name them.
stamp: .venv/dev
	@$(BIN)/python -m tools.release.stamp

$(NODE)/.package-lock.json: tests/browser/package-lock.json
	npm --prefix tests/browser ci --ignore-scripts --no-audit --no-fund
	@touch $@

# Lock what requirements.in and requirements/*.in name, with all that it needs and the hashes of all its files: for Linux
# what is deployed, the rest for every platform.
lock: .venv/dev
	$(LOCK) --python-version $(RUNTIME_PYTHON) --python-platform linux requirements.in -o requirements.txt
	$(LOCK) $(EVERYWHERE) requirements/uv.in -o requirements/uv.txt
	$(LOCK) $(EVERYWHERE) requirements/run.in -c requirements.txt -o requirements/run.txt
	$(LOCK) $(EVERYWHERE) requirements/dev.in -c requirements/run.txt -o requirements/dev.txt
	$(LOCK) $(EVERYWHERE) requirements/check.in -c requirements/dev.txt -o requirements/check.txt
	$(LOCK) $(EVERYWHERE) requirements/fuzz.in -o requirements/fuzz.txt
	$(LOCK) $(EVERYWHERE) requirements/mutants.in -c requirements/dev.txt -o requirements/mutants.txt
	$(LOCK) $(EVERYWHERE) --no-deps requirements/stack.in -o requirements/stack.txt

# Known vulnerabilities of what is locked.
audit: .venv/dev
	@$(BIN)/python .ci/audit.py

# The pictures of a run of doctor and of the page of `make run`; the latter needs Chromium.
pictures: .venv/dev
	@PYTHONPATH=tests $(BIN)/python -m tools.pictures

# Ten minutes of fuzzing.
fuzz: .venv/dev
	$(INSTALL) --require-hashes -r requirements/fuzz.txt
	$(BIN)/python -m tools.fuzz -max_total_time=600

# Changes each line of the folders that decide, and runs the unit tests on each change: hours of work. The tests should
# find at least 95 %; `.venv/bin/mutmut results` lists the rest, and `.venv/bin/mutmut show NAME` shows one.
mutants: .venv/dev
	$(INSTALL) --require-hashes -r requirements/mutants.txt
	$(BIN)/mutmut run

# A minute of load for each of 1, 8 and 32 callers, while the function is killed and Vault fails.
load: .venv/dev
	@$(BIN)/python -m tools.load

bench: .venv/dev .bench/plain .bench/image .bench/node
	@PYTHONPATH=tests $(BIN)/python -m tools.bench

.venv/uv: requirements/uv.txt
	@$(NEEDS_PYTHON)
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/run: .venv/uv requirements/run.txt
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@touch $@

# The files of requirements/stack.txt are read, not run, so they go without what they would need.
.venv/dev: .venv/run requirements/dev.txt requirements/stack.txt
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@$(INSTALL) --require-hashes --no-deps -r requirements/stack.txt
	@touch $@

.venv/check: .venv/dev requirements/check.txt
	@$(INSTALL) --require-hashes -r requirements/check.txt
	@touch $@

.bench/plain: .venv/dev requirements.txt
	rm -rf $@ && mkdir -p .bench
	$(INSTALL) --target $@ --require-hashes -r requirements.txt
	@touch $@

.bench/image: .venv/dev requirements.txt func.py $(shell find presign deploy -name '*.py')
	rm -rf $@
	$(BIN)/python -m deploy package $@

# Those that run in Node are left out where there is none.
.bench/node: $(addprefix tools/bench/peers/,package.json package-lock.json node.mjs)
	mkdir -p $@ && cp $^ $@
	@cd $@ && npm ci --ignore-scripts --no-audit --no-fund --silent || echo "Without Node's packages."
	@touch $@

include deploy/deploy.mk
