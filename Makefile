# Two commands on a fresh machine: `make demo` and `make test`. `make setup` is the part they share.
#
# Needs Python 3.11 to 3.13, make and a package registry. Everything it writes stays in this folder,
# apart from the package managers' own caches.

PYTHON ?= python3
VENV   := .venv
BIN    := $(CURDIR)/$(VENV)/bin
# What rushes runs with, and that plus what its tests take, in the same releases.
RUN    := deployments/requirements.lock
LOCK   := requirements.lock

# rushes keeps its Prefect home and its migrated database here, so that a clone is removed by `rm -r`.
export RUSHES_HOME ?= $(CURDIR)/.rushes
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Compiled once, here: Ray and Prefect start many processes, and each would compile what it imports.
export UV_LINK_MODE ?= copy
export DO_NOT_TRACK = 1

# uv reads neither pip's configuration nor, by itself, the certificates of this machine: hand it the registry that pip
# uses here, if one is set, and the machine's certificates, if it has any.
PIP_INDEX := $(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null || echo "$$PIP_INDEX_URL")
CERTIFICATES := $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem)
UV := $(if $(strip $(PIP_INDEX)),UV_DEFAULT_INDEX=$(strip $(PIP_INDEX)) )$(if $(CERTIFICATES),UV_SYSTEM_CERTS=1 )$(BIN)/uv

.PHONY: help setup dev demo up status down test operations check format lock bench clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

setup: $(VENV)/.installed  ## the environment at .venv, with the command at .venv/bin/rushes

$(VENV)/bin/uv: requirements-uv.lock
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.lock

$(VENV)/.installed: $(RUN) pyproject.toml $(VENV)/bin/uv
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(RUN) -r requirements-uv.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --build-constraints $(LOCK) --editable .
	@touch $@

dev: $(VENV)/.dev  ## what the tests take, besides

$(VENV)/.dev: $(LOCK) $(VENV)/.installed
	$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes $(LOCK) requirements-uv.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## the main job on a generated media set, served over HTTP, on a local Ray
	@$(BIN)/python -m examples.demo

up: setup  ## Prefect, a worker and a Ray cluster on this machine, with all deployments
	@$(BIN)/python -m cli.stack up

status: setup  ## how the parts of `up` are
	@$(BIN)/python -m cli.stack status

down: setup  ## ends what `up` started
	@$(BIN)/python -m cli.stack down

test: dev  ## the whole suite
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

operations: dev  ## schedules, cancels, killed parts on real servers: most of an hour, and not part of `test`
	@$(BIN)/python -m pytest -n 0 tests/operations $(PYTEST_ARGS)

check: dev  ## formatting, lint, types, the floor rule, then the suite
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

format: dev  ## rewrite the code as `check` wants it
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(VENV)/bin/uv  ## resolve anew; the locks carry hashes and no host
	$(UV) pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-annotate --no-header \
	  --all-extras --group dev pyproject.toml --output-file $(LOCK)
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --all-extras --constraint $(LOCK) pyproject.toml --output-file deployments/requirements.lock
	echo uv | $(UV) pip compile --quiet --universal --upgrade --generate-hashes --no-annotate --no-header \
	  - --output-file requirements-uv.lock

bench: dev  ## the benchmarks, each beside what a user would pick instead
	@$(BIN)/python -m benchmarks

clean:  ## everything make wrote; ends what is up
	@if [ -e $(VENV)/.installed ]; then $(BIN)/python -m cli.stack down; fi
	rm -rf $(VENV) .rushes build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis demo-run
