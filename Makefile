# Everything a newcomer needs, from nothing but python3: `make demo`, `make test`.

PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/installed
PEERS := .venv-peers
PEER_NAMES := $(notdir $(basename $(wildcard benchmarks/serving_peers/*.txt)))

# Real data sets for tests and benchmarks. Tests that need them say so when they are not there.
ifneq ($(wildcard ../shared/data),)
export DLKIT_DATA ?= $(abspath ../shared/data)
endif
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: demo test lint format bench peers clean

demo: $(INSTALLED)  ## train, export, serve and ask a classifier of handwritten digits
	@$(RUN) -m dlkit demo

test: $(INSTALLED)  ## run the tests
	@$(RUN) -m pytest --numprocesses 2 --dist worksteal

lint: $(INSTALLED)  ## check style, layout, who imports whom and types
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(VENV)/bin/lint-imports
	@$(RUN) -m mypy

format: $(INSTALLED)  ## rewrite the code and the generated tables of the README
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .
	@$(RUN) docs/tables.py

bench: $(INSTALLED) peers  ## the figures of the README and the docs, about 3 hours on 2 cores
	@$(RUN) benchmarks/start_up.py
	@$(RUN) benchmarks/fit_speed.py
	@$(RUN) benchmarks/rematerialization.py
	@$(RUN) benchmarks/attention_memory.py
	@$(RUN) benchmarks/export_formats.py
	@$(RUN) benchmarks/image_pipeline.py
	@$(RUN) benchmarks/series_pipeline.py
	@$(RUN) benchmarks/serving.py --peers $(PEERS)
	@$(RUN) benchmarks/fast_path.py
	@$(RUN) benchmarks/soak.py
	@$(RUN) benchmarks/fashion_mnist.py
	@$(RUN) benchmarks/image_models.py
	@$(RUN) benchmarks/sequence_models.py
	@$(RUN) benchmarks/table_models.py
	@$(RUN) benchmarks/forecast_models.py
	@$(RUN) benchmarks/recurrent_formats.py
	@$(RUN) benchmarks/generation.py
	@$(RUN) benchmarks/language_model.py
	@$(RUN) benchmarks/search_overhead.py
	@$(RUN) benchmarks/search_workers.py
	@$(RUN) benchmarks/search_memory.py
	@$(RUN) benchmarks/search_regret.py
	@$(RUN) benchmarks/search_gains.py

clean:  ## remove the virtual environment and what tools left
	rm -rf $(VENV) $(PEERS) build dist *.egg-info .pytest_cache .ruff_cache .import_linter_cache .mypy_cache

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV) || \
		{ echo "$(PYTHON) -m venv failed; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing TensorFlow and dlkit into $(VENV): about 700 MB, one to five minutes ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@echo "Installed."
	@touch $@

peers: $(PEER_NAMES:%=$(PEERS)/%/installed)  ## install the servers that dlkit's is compared with

# One that cannot be had is left out of the comparison, and tried again by the next `make bench`.
$(PEERS)/%/installed: benchmarks/serving_peers/%.txt
	@echo "Installing $* into $(PEERS)/$*, to compare with ..."
	@rm -rf $(PEERS)/$*
	@$(PYTHON) -m venv $(PEERS)/$* \
		&& $(PEERS)/$*/bin/pip install --quiet --disable-pip-version-check -r $< \
		&& touch $@ \
		|| { rm -rf $(PEERS)/$*; echo "$* cannot be installed: it is left out of the comparison." >&2; }
