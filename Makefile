# Everything a newcomer needs, with only Python 3.11-3.13 and make on the machine.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# Other drift detectors, compared with by bench-detection. None of them can live beside our own dependencies.
PEERS      := evidently nannyml
PEER_VENVS := .venv-peers

# pytest's workers. The suite is written for two cores; a third one works while others wait for a process or a clock.
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test test-long lint format bench bench-detection peers docs lock clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv and install everything that is locked, hashes checked

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 is needed; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12")'
	@echo "Installing into $(VENV): once, one to three minutes ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP) ## Replay four weeks of real flights through the pipeline and say what was found
	@$(BIN)/monitor demo

dev: $(STAMP) ## Dagster UI on :3000 and MLflow UI on :5000, loopback only; Ctrl-C stops both
	@$(BIN)/monitor dev || test $$? -eq 130

# Hundreds of processes are started by the tests: each would compile all our modules anew.
test test-long: export PYTHONDONTWRITEBYTECODE :=

test: $(STAMP) ## Run the tests that belong to every push
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not long"

test-long: $(STAMP) ## Run also the tests that take minutes
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(STAMP) ## ruff, mypy strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(STAMP) ## Measure; results are kept in benchmarks/results
	@$(BIN)/python -m benchmarks

bench-detection: $(STAMP) ## False alarms, power, delay and speed of drift detection, beside the peers that are there
	@$(BIN)/python -m benchmarks.detection

peers: $(PEERS:%=$(PEER_VENVS)/%/.installed) ## Install what bench-detection compares with, each apart (Python 3.11 or 3.12)

$(PEER_VENVS)/%/.installed: benchmarks/peers/%.lock
	@echo "Installing $* into $(PEER_VENVS)/$*: once, about a minute ..."
	@$(PYTHON) -m venv $(PEER_VENVS)/$*
	@$(PEER_VENVS)/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

docs: $(STAMP) ## Write the generated pages of docs/reference anew
	@$(BIN)/python docs/reference/generate.py

lock: ## Resolve the locks anew: ours, the container image's, the peers' (needs uv)
	@uv pip compile pyproject.toml --extra demo --group dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-strip-extras --quiet --output-file requirements.lock
	@uv pip compile pyproject.toml deploy/docker/build.in --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-strip-extras --quiet --constraint requirements.lock \
		--output-file deploy/docker/requirements.lock
	@for peer in $(PEERS); do uv pip compile benchmarks/peers/$$peer.in --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet --output-file benchmarks/peers/$$peer.lock || exit 1; done

clean: ## Remove the environment, caches and the default MONITOR_HOME
	@rm -rf $(VENV) $(PEER_VENVS) .monitor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
