# Everything is set up inside this checkout: .venv/ holds the development
# environment, .cache/ what tvmplug itself keeps in a user's cache folder.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
LOCK := src/tvmplug/locks/dev.txt
# pytest-cookies and pytest-copie cannot be loaded together, and pyproject.toml loads the second.
WITH_COOKIES := --override-ini addopts= --import-mode=importlib --strict-markers -ra -p no:copie
WORDS ?= tvm kokoro flutterby phonemizer
SOUND ?= examples/vad/speech.wav

export TVMPLUG_CACHE_DIR := $(CURDIR)/.cache/tvmplug
# Crates that several tests need are compiled once.
export TVMPLUG_TEST_CARGO_TARGET := $(CURDIR)/.cache/cargo/tests
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Without bytecode each of the hundreds of programs that tests start compiles all of it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup reference toolchain demo demo-app demo-speech test test-docs test-kernels test-phones test-models test-fleet test-fast lint typecheck format bench docs lock clean

help: ## List what there is to make.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) \
	  | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

setup: $(VENV)/.ready ## Make the development environment (the other targets do it by themselves).

$(VENV)/.ready: $(LOCK) pyproject.toml
	@echo "Setting up $(VENV) from $(LOCK) (about a minute the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "error: Python 3.10 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --require-hashes --no-deps -r $(LOCK)
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

toolchain: setup ## Bring Dart and Flutter from Debian's newest suite into .cache/, beside the machine's own.
	@$(PY) -m tools toolchain

demo-app: setup ## Build a Flutter app with both plugins, start it, use it, and save screenshots.
	@$(PY) -m demo.app

demo-speech: setup ## Build a Flutter app with the two named plugins, and use it (PyTorch: gigabytes, half an hour at first).
	@$(PY) -m demo.speech

demo: setup ## Generate the plugins, build them, and run two models over one runtime (WORDS=, SOUND=).
	@$(PY) -m demo.run --words "$(WORDS)" --sound "$(SOUND)"

test: setup ## Run the tests (the real compiler, cargo, git, Copier, Dart and linkers).
	@$(PY) -m pytest -m "not docs and not demo and not phones and not fleet and not kernels and not models" --numprocesses 2 --dist loadscope --no-loadscope-reorder

test-docs: setup ## Follow the pages and use the demo: the tutorial, adoption, Cookiecutter's door, the app (minutes).
	@$(PY) -m pytest -m "docs or demo" --numprocesses 2 --dist loadscope
	@$(PY) -m pytest tests/cookiecutter $(WITH_COOKIES) --numprocesses 2

test-kernels: setup ## Compare kernels of random shapes with NumPy, here and on AArch64 in an emulator (minutes).
	@$(PY) -m pytest -m kernels --numprocesses 2 --dist worksteal

test-phones: setup ## Build runtime and models for phones, Macs and AArch64 Linux, and prove them (half an hour at first).
	@$(PY) -m pytest -m phones --timeout 3600 --numprocesses 2 --dist loadscope --no-loadscope-reorder

test-models: setup ## Build the two named plugins with PyTorch, and compare with it (gigabytes, an hour at first).
	@$(PY) -m pytest -m models --timeout 7200

test-fleet: setup ## Update random fleets, kill them, and compare with Copier's command line (minutes).
	@$(PY) -m pytest -m fleet --numprocesses 2 --dist worksteal

test-fast: setup ## Run the tests that need no compiler and no cargo: under a minute.
	@$(PY) -m pytest -m "not slow and not phones and not fleet and not models" --numprocesses 2 --dist loadfile \
	  $(addprefix --ignore tests/,compiler/cpu compiler/tuning demo phones runtime tools) --hypothesis-profile brief

lint: setup ## Check style: ruff, and the formatting of Python code.
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

typecheck: setup ## Check types, strictly.
	@$(VENV)/bin/mypy

format: setup ## Format the Python code.
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format .

bench: setup ## Measure: ratios side by side in one run.
	@$(PY) -m benchmarks

reference: setup ## Write what is made from the code and the questions: docs/reference/, cookiecutter.json.
	@$(PY) -m tools.reference
	@$(PY) -m tools.cookiecutter

docs: setup ## Build the documentation into site/; a broken link fails.
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet

# uv resolves for every Python and platform at once; pip installs the result.
# The lock files name no index, so that pip's own configuration decides.
lock: setup ## Resolve the lock files again (for maintainers, after editing pyproject.toml).
	@$(PY) -m pip install --quiet uv
	@for lock in toolkit: compile:--extra=compile "dev:--extra=compile --extra=dev"; do \
	  echo "Resolving src/tvmplug/locks/$${lock%%:*}.txt"; \
	  { echo "# Made by 'make lock' from pyproject.toml. Do not edit."; \
	    $(VENV)/bin/uv pip compile pyproject.toml $${lock#*:} --universal --python-version 3.10 \
	      --generate-hashes --no-header --no-annotate --no-emit-index-url \
	      --no-emit-find-links --quiet; } > src/tvmplug/locks/$${lock%%:*}.txt.new; \
	  mv src/tvmplug/locks/$${lock%%:*}.txt.new src/tvmplug/locks/$${lock%%:*}.txt; \
	done
	@for lock in torch onnxruntime "weights --no-deps"; do \
	  set -- $$lock; echo "Resolving benchmarks/speed/$$1.txt"; \
	  { echo "# Made by 'make lock' from benchmarks/speed/$$1.in. Do not edit."; \
	    $(VENV)/bin/uv pip compile benchmarks/speed/$$1.in $${2:-} --universal --python-version 3.10 \
	      --generate-hashes --no-header --no-annotate --no-emit-index-url \
	      --no-emit-find-links --quiet; } > benchmarks/speed/$$1.txt.new; \
	  mv benchmarks/speed/$$1.txt.new benchmarks/speed/$$1.txt; \
	done

clean: ## Remove everything that was set up or built.
	@rm -rf $(VENV) .cache build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis
