# Each target needs Python 3.11 and make only: it makes .venv and installs what it uses.
PYTHON ?= python3.11
PORT ?= 8080
BIN := .venv/bin

.PHONY: run test lint format openapi

run: .venv/installed
	@$(BIN)/python -m local --port $(PORT)

test: .venv/installed
	@$(BIN)/python -m pytest -q

lint: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict func.py start.py presign local gateway image

format: .venv/installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

openapi: .venv/installed
	$(BIN)/python -m gateway.openapi > gateway/openapi.json

.venv/installed: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
