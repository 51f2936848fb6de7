# `make demo` and `make test` set everything up on a fresh machine; both need Python 3.11, whose packages
# constraints.txt pins, and nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STUDY := demo/study
SCORES := $(STUDY)/scores/site_b/seed_0
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Threads that wait actively for long slow a shared machine down many times; ones that never do slow an idle one.
export GOMP_SPINCOUNT ?= 10000

# MONAI Label needs older versions of some packages, and so an environment of its own.
LABEL_VENV ?= .venv-label
LABEL_BIN := $(LABEL_VENV)/bin
LABEL_INSTALL := $(LABEL_BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints-label.txt

.PHONY: demo test test-long test-label tools notebooks lint format docs bench clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# PyTorch first and by its pinned version, so that a CPU wheel found beside the index is taken.
$(VENV)/.run: $(BIN)/python setup.cfg constraints.txt
	$(INSTALL) torch
	$(INSTALL) --editable '.[dicom]'
	@touch $@

$(VENV)/.test: $(VENV)/.run
	$(INSTALL) --editable '.[test]'
	@touch $@

$(VENV)/.tutorials: $(VENV)/.run
	$(INSTALL) --editable '.[dicom,tutorials]'
	@touch $@

demo: $(VENV)/.run
	$(BIN)/monai-harmonize protocol --definition demo --one-direction --seed 0 --output $(STUDY)
	$(BIN)/monai-harmonize evaluate --manifest $(STUDY)/data/manifest.csv --output demo \
		--harmonized $(STUDY)/harmonized/site_a_to_site_b/cyclegan \
		--own-scores $(SCORES)/own.csv --raw-scores $(SCORES)/raw.csv --harmonized-scores $(SCORES)/cyclegan.csv

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long"

test-long: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist worksteal -m long

# A PACS and tools that judge DICOM, without which some tests are skipped; unpacked here, not installed.
tools:
	tests/tools.sh .tools

$(LABEL_BIN)/python:
	$(PYTHON) -m venv $(LABEL_VENV)

# sam2, which MONAI Label asks for, is built beside the PyTorch that is there instead of fetching another to build with.
$(LABEL_VENV)/.ready: $(LABEL_BIN)/python setup.cfg constraints-label.txt
	$(LABEL_INSTALL) torch setuptools wheel
	SAM2_BUILD_CUDA=0 $(LABEL_INSTALL) --no-build-isolation sam2
	$(LABEL_INSTALL) --editable '.[label]' hypothesis pytest pytest-timeout
	@touch $@

# Activated: the server finds dcmqi's tool on the path.
test-label: $(LABEL_VENV)/.ready
	PATH="$(abspath $(LABEL_BIN)):$$PATH" python -m pytest tests/label_app

# Executes the tutorials from nothing. After a change: cp build/notebooks/*.ipynb tutorials/
notebooks: $(VENV)/.tutorials $(LABEL_VENV)/.ready tools
	$(BIN)/python tutorials/run.py --output build/notebooks

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(VENV)/.run
	$(BIN)/python benchmarks/cyclegan_step.py

clean:
	rm -rf build demo bundles/*/data bundles/*/models bundles/*/eval bundles/*/harmonized*
