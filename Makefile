# Hookkeeper. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile
# On several cores, where pip takes one; `compileall -j` would hand over one file at a time. Like pip, it passes
# over what this version of Python cannot read. Of githubkit's 3,400 files of schemas, tests import 56. Processes
# that start at once would each compile the project, too; pytest compiles tests itself.
COMPILE := { find $(VENV)/lib -name '*.py' -not -path '*/githubkit_schemas/*' -print0; \
	find [a-z]* -path var -prune -o -name '*.py' -not -name 'test_*' -print0; } \
	| xargs -0 -n 1000 -P 4 $(BIN)/python -W ignore -m compileall -qq || true

# Where an image sets it, each of the processes that the suite starts would compile the project anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install run test test-sqlite test-postgresql coverage chaos check bench docs screenshots format lock clean

help: ## List the targets, as make alone does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Hookkeeper needs Python 3.11 or later: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@# Python 3.11 comes with a pip that takes twice as long to choose files of the index.
	@$(PIP) -r requirements-pip.txt

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	@echo "Installing what is pinned in requirements.txt into $(VENV) ..."
	@$(PIP) -r requirements.txt
	@$(COMPILE)
	@touch $@

# Each list has all of the shorter ones, too.
$(VENV)/.test: requirements-test.txt | $(VENV)/bin/python
	@echo "Installing what is pinned in requirements-test.txt into $(VENV) ..."
	@$(PIP) -r requirements-test.txt
	@$(COMPILE)
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.test
	@echo "Installing what is pinned in requirements-dev.txt into $(VENV) ..."
	@$(PIP) -r requirements-dev.txt
	@$(COMPILE)
	@touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.dev
	@echo "Installing what is pinned in requirements-bench.txt into $(VENV) ..."
	@$(PIP) -r requirements-bench.txt
	@$(COMPILE)
	@touch $@

install: $(VENV)/.runtime ## Create .venv with the pinned requirements

run: $(VENV)/.runtime ## Start Redis, receiver, worker and console (PORT, CONSOLE_PORT, HOOKKEEPER_DATA); Ctrl-C stops all
	@exec $(BIN)/python -m dev

# The parts of `make test` take about as long, if they run at once. Most tests of FAULTS and PROCESSES wait.
FAULTS := tests/bench tests/chaos tests/e2e
PROCESSES := tests/dev tests/docs tests/processing tests/receiver tests/telemetry
REST := $(FAULTS:%=--ignore=%) $(PROCESSES:%=--ignore=%)
SQLITE := $(BIN)/pytest
POSTGRESQL := $(BIN)/pytest --database postgresql -m store
# Tests outside of tests/chaos that are more with --chaos.
FULL := counts or full or hypothesis

test: $(VENV)/.test ## Run the whole suite: on SQLite, beside it on PostgreSQL what uses the database, in six parts
	@echo "Running six parts of the suite at once. The output of all but the first follows at the end."
	@output=$$(mktemp -d); \
	$(SQLITE) $(FAULTS) >$$output/2 2>&1 & parts=$$!; \
	$(SQLITE) $(PROCESSES) >$$output/3 2>&1 & parts="$$parts $$!"; \
	$(SQLITE) $(REST) --ignore=tests/console >$$output/4 2>&1 & parts="$$parts $$!"; \
	$(POSTGRESQL) $(FAULTS) tests/processing >$$output/5 2>&1 & parts="$$parts $$!"; \
	$(POSTGRESQL) $(FAULTS:%=--ignore=%) --ignore=tests/processing >$$output/6 2>&1 & parts="$$parts $$!"; \
	$(SQLITE) tests/console; failed=$$?; \
	for part in $$parts; do wait $$part || failed=1; done; \
	cat $$output/*; rm -rf $$output; exit $$failed

test-sqlite: $(VENV)/.test ## Run the half of `make test` on SQLite
	$(BIN)/pytest

test-postgresql: $(VENV)/.test ## Run the half of `make test` on PostgreSQL
	$(BIN)/pytest --database postgresql -m store

coverage: $(VENV)/.dev ## Run the suite on SQLite, and fail if it covers less than the floor in pyproject.toml
	$(BIN)/coverage run -m pytest -q
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

chaos: $(VENV)/.dev ## Run the fault, load and property tests with the full counts, on both databases
	$(BIN)/pytest tests/chaos --chaos
	$(BIN)/pytest tests/chaos --chaos --database postgresql
	$(BIN)/pytest --ignore=tests/chaos --chaos -m "$(FULL)"
	$(BIN)/pytest --ignore=tests/chaos --chaos -m "($(FULL)) and store" --database postgresql

check: $(VENV)/.dev ## Check lint, format, types, migrations and the site of the docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@# A database is not needed. Without one, Django warns that it cannot compare it.
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(BIN)/pytest -q --chaos tests/docs/test_site.py

bench: $(VENV)/.bench ## Measure all parts beside their peers (options: BENCH, BENCH_WORKER, BENCH_CONSOLE, BENCH_API, BENCH_SCALE)
	$(BIN)/python -m bench ingest $(BENCH)
	$(BIN)/python -m bench worker $(BENCH_WORKER)
	$(BIN)/python -m bench console $(BENCH_CONSOLE)
	$(BIN)/python -m bench api $(BENCH_API)
	$(BIN)/python -m bench metrics
	$(BIN)/python -m bench records
	$(BIN)/python -m bench parsing
	$(BIN)/python -m bench space
	$(if $(BENCH_SCALE),$(BIN)/python -m bench scale $(BENCH_SCALE))

docs: $(VENV)/.dev ## Build the documentation site in var/site, which opens without a server or a network
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "Open var/site/index.html"

screenshots: $(VENV)/.test ## Take the pictures of the docs from a real run, with Debian's chromium
	$(BIN)/python -m tests.console.browser.screenshots

format: $(VENV)/.dev ## Format the code and mend what lint can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: $(VENV)/.dev ## Pin anew what pyproject.toml asks for
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--upgrade pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-strip-extras --upgrade pyproject.toml --group test -c requirements.txt -o requirements-test.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-strip-extras --upgrade pyproject.toml --group dev -c requirements-test.txt -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-strip-extras --upgrade pyproject.toml --group dev --group bench -c requirements-dev.txt \
		-o requirements-bench.txt
	echo pip | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--upgrade - -o requirements-pip.txt

clean: ## Remove .venv and caches (never var/, which holds the deliveries)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
