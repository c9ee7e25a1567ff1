# `make` lists what there is. Needs Python 3.11+, git and make; everything else goes into .venv.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# Where it is set, every process that a test starts compiles the whole project again.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
PEERS := var/peers
DEMO_HOME := $(CURDIR)/var/demo
PORT ?= 8000
# Two for each processor: a third of the time a test waits, for another process or for a pause that it asked for.
WORKERS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
# Long tests come first (tests/conftest.py); small helpings let no worker sit on a pile of them at the end.
# No test pulls the plug: neither the disk (scripts/temporary) nor PostgreSQL needs to wait for what it wrote.
SUITE := env $$(scripts/temporary) PGOPTIONS="-c synchronous_commit=off" $(BIN)/pytest -q -n $(WORKERS) --maxschedchunk 16

.PHONY: help install install-dev demo run test test-browser test-exhaustive test-postgres peers check format bench schema clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

install: $(VENV)/.installed ## what the server needs
install-dev: $(VENV)/.installed-dev ## and what its development needs

demo: install ## the main job from end to end; SOURCE=https://… takes a real repository
	@mkdir -p "$(DEMO_HOME)-projects"
	@export SKILLMEAT_HOME="$(DEMO_HOME)" SKILLMEAT_LOCAL_SOURCE_ROOTS="$(DEMO_HOME)/sample" \
	  SKILLMEAT_PROJECT_ROOTS="$(DEMO_HOME)-projects" SKILLMEAT_LOG_LEVEL=ERROR; \
	unset DATABASE_URL REDIS_URL; \
	$(MANAGE) migrate --verbosity 0 && $(MANAGE) demo $(if $(SOURCE),"$(SOURCE)")

run: install ## web server and worker on http://127.0.0.1:$(PORT)
	@PORT=$(PORT) scripts/run

test: install-dev ## the whole suite
	$(SUITE) -m "not benchmark and not exhaustive and not walk"

test-browser: install-dev ## every page in light and dark, wide and narrow; needs Chromium, and axe-core from `make peers`
	$(SUITE) --timeout 1200 -m walk tests/browser

test-exhaustive: install-dev ## what takes longer: a kill at every step of everything, rivals, very large artifacts; on PostgreSQL with DATABASE_URL
	$(SUITE) --timeout 1200 -m exhaustive

test-postgres: install-dev ## the whole suite on PostgreSQL; DATABASE_URL=postgres://…
	@test -n "$(DATABASE_URL)" || { echo "set DATABASE_URL"; exit 2; }
	DATABASE_URL=$(DATABASE_URL) $(SUITE) -m "not benchmark and not exhaustive and not walk"

$(PEERS)/.installed: tests/peers/package-lock.json tests/peers/.npmrc
	@mkdir -p $(PEERS) && cp tests/peers/package.json tests/peers/package-lock.json tests/peers/.npmrc $(PEERS)/
	cd $(PEERS) && npm ci
	@touch $@

peers: $(PEERS)/.installed ## what others wrote and tests talk to, into var/peers; needs npm, and is skipped without

check: install-dev ## lint, types, architecture, migrations, OpenAPI
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-logo
	DJANGO_SETTINGS_MODULE=skillmeat_site.settings.test $(MANAGE) makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=skillmeat_site.settings.test $(MANAGE) check
	SKILLMEAT_HTTPS=on DATABASE_URL=sqlite://:memory: SKILLMEAT_HOME=$$(mktemp -d) $(MANAGE) check --deploy --fail-level WARNING
	DJANGO_SETTINGS_MODULE=skillmeat_site.settings.test $(MANAGE) spectacular --validate --fail-on-warn --file $(VENV)/openapi.yaml
	diff -u docs/openapi.yaml $(VENV)/openapi.yaml

format: install-dev ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: install-dev ## write docs/openapi.yaml anew
	DJANGO_SETTINGS_MODULE=skillmeat_site.settings.test $(MANAGE) spectacular --validate --fail-on-warn --file docs/openapi.yaml

bench: install-dev ## figures beside their targets, on bench.json too
	$(BIN)/pytest -q -p no:randomly -m benchmark tests/benchmarks

clean: ## remove what was installed and made here, var/ excepted
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache staticfiles bench.json
