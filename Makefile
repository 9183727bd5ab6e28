# Two commands do all their own set-up: `make lab` and `make test`. Both are quick the second time.
# Needed: Python 3.11 or newer, Node 20 or newer, a network. `make help` lists everything.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN := .venv/bin
UV := $(BIN)/uv
JLPM := cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm
BUNDLE := aiplat_jupyter/labextension/package.json
LINKED := .venv/share/jupyter/labextensions/aiplat-jupyter
LAB_OPTIONS = $(if $(filter 0,$(shell id -u)),--allow-root)
say = @printf '\033[1m==> %s\033[0m\n'
sources = $(shell find $(1) -type f 2>/dev/null)
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

export YARN_ENABLE_TELEMETRY := 0

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

## Set-up: each step leaves a file behind and is repeated only when what it depends on is newer.

$(UV): constraints.txt
	$(say) "Creating the Python environment in .venv"
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "Python's venv is missing: on Debian, apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@touch $@

.make/python: pyproject.toml constraints.txt $(UV)
	$(say) "Installing the Python packages"
	@$(UV) pip install --python $(BIN)/python --quiet --compile-bytecode -c constraints.txt -r pyproject.toml --all-extras
	@mkdir -p .make && touch $@

.make/node: labextension/package.json labextension/yarn.lock labextension/.yarnrc.yml .make/python
	$(say) "Installing the JavaScript packages"
	@node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' || { echo "Node 20 or newer is needed"; exit 1; }
	@$(JLPM) install --immutable > ../.make/node.log 2>&1 || { cat ../.make/node.log; exit 1; }
	@touch $@

$(BUNDLE): .make/node $(call sources,labextension/src labextension/style labextension/schema) labextension/tsconfig.json
	$(say) "Building the JupyterLab extension"
	@$(JLPM) build:prod > ../.make/bundle.log 2>&1 || { cat ../.make/bundle.log; exit 1; }
	@touch $@

# The link is removed first: uninstalling the former copy would delete the bundle through it.
.make/package: pyproject.toml $(call sources,jupyter-config) $(BUNDLE)
	$(say) "Installing aiplat_jupyter in place"
	@rm -rf $(LINKED)
	@$(UV) pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation --editable .
	@rm -rf $(LINKED) && ln -s "$(CURDIR)/aiplat_jupyter/labextension" $(LINKED)
	@touch $@

.make/system: .ci/system
	$(say) "Looking for Chromium, fonts and PostgreSQL"
	@bash .ci/system
	@mkdir -p .make && touch $@

.PHONY: install
install: .make/package ## Everything `make lab` needs, without starting it

## Use

.PHONY: lab
lab: install ## JupyterLab with the platform in it; DEMO=1 seeds projects to look at
ifdef DEMO
	$(say) "Seeding demo projects (remove them with: .venv/bin/aiplat demo --remove)"
	@$(BIN)/aiplat demo
endif
	$(say) "Starting JupyterLab on the quickstart (Ctrl-C stops it)"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter lab $(LAB_OPTIONS) $(ARGS) notebooks/01_quickstart.ipynb

.PHONY: build
build: install ## Wheel and source distribution in dist/
	$(say) "Building the wheel and the source distribution"
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --wheel --sdist . > .make/build.log 2>&1 || { cat .make/build.log; exit 1; }
	@ls dist

## Prove

.PHONY: test
test: install .make/system lint types test-js test-python test-e2e test-wheel ## Everything CI proves
	$(say) "All tests passed"

.PHONY: lint
lint: .make/node
	$(say) "Linting Python and TypeScript"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(JLPM) lint

.PHONY: types
types: .make/python
	$(say) "Checking types"
	@$(BIN)/mypy

.PHONY: test-js
test-js: .make/node
	$(say) "Testing the JupyterLab extension"
	@$(JLPM) test

.PHONY: test-python
test-python: install .make/system
	$(say) "Testing the Python package"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -n 2 --dist worksteal --durations=10 --cov --cov-report=term --ignore tests/e2e --ignore tests/wheel $(ARGS)

.PHONY: test-e2e
test-e2e: install .make/system
	$(say) "Testing in a real browser"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest tests/e2e -n 2 --dist worksteal --timeout 300 --reruns 1 --rerun-show-tracebacks --durations=10 $(ARGS)

.PHONY: test-wheel
test-wheel: build
	$(say) "Installing the wheel where there is no Node"
	@$(BIN)/pytest tests/wheel $(ARGS)

.PHONY: screenshots
screenshots: install .make/system ## Take the pictures in docs/images again
	$(say) "Taking screenshots"
	@PATH="$(CURDIR)/$(BIN):$$PATH" AIPLAT_SCREENSHOTS=docs/images $(BIN)/pytest tests/e2e -q

.PHONY: bench
bench: install ## Measure what docs/performance.md quotes
	$(say) "Measuring"
	@for benchmark in benchmarks/*.py; do \
		name=$$(basename "$$benchmark" .py); echo "--- $$name"; $(BIN)/python -m "benchmarks.$$name"; done

.PHONY: format
format: .make/node ## Format Python and TypeScript
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .
	@$(JLPM) format

.PHONY: clean
clean: ## Remove what was built, keep the environment
	@rm -rf build dist .make test-results aiplat_jupyter/labextension labextension/lib labextension/tsconfig.tsbuildinfo
