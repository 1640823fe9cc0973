# Two commands do everything: `make demo` and `make test`. Each makes the virtual environment it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO ?= demo
BENCH ?= build/bench
SLOWER ?= 10%

# Two workers, each with a core and a TensorFlow of its own; files stay whole, the slowest come first: tests/conftest.py.
WORKERS ?= 2
NO_OTHER_SKIPS := -p tests.allowed_skips --allowed-skips .ci/allowed-skips.txt
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all lint check format venv docs openapi bench bench-compare emulate wheelhouse clean
.DEFAULT_GOAL := demo

# pip's time-out and retries are raised for slow lines: TensorFlow is 250 MB.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --timeout 60 --retries 5 \
		--constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(READY)  ## the main job on synthetic cells: ends with an int8 model and a report
	rm -rf '$(DEMO)'
	$(BIN)/edgeleuk demo -o '$(DEMO)'

test: $(READY)  ## the tests, but for those that are marked as long
	$(PYTEST) -m 'not long' $(TESTS)
	@echo 'left out: the tests that are marked as long; make test-all runs them, too'

# Coverage doubles the time of what TensorFlow does, so it is measured on the tests that need none of it.
test-all: $(READY)  ## all tests; no skip but those of .ci/allowed-skips.txt; and how much of the code the quick ones run
	$(PYTEST) $(NO_OTHER_SKIPS) -m 'not slow and not long' --cov --cov-report=term:skip-covered $(TESTS)
	$(PYTEST) $(NO_OTHER_SKIPS) -m 'slow or long' $(TESTS)

lint: $(READY)  ## format, lint, layers of packages, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

check: lint test  ## format, lint, types, tests

venv: $(READY)  ## the virtual environment that all of these use

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY)  ## the documentation, into build/docs/index.html; a warning fails it
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo 'documentation  build/docs/index.html'

openapi: $(READY)  ## the description of the page's API, into edgeleuk/web/openapi.json
	$(BIN)/python docs/openapi.py

bench: $(READY)  ## the project's bars: every figure with its bar, records and report.html in build/bench
	$(BIN)/python -m benchmarks --json '$(BENCH)'

bench-compare: $(READY)  ## the suites again, beside their last saved run; fails where a median grew by more than SLOWER
	$(BIN)/python -m pytest benchmarks --benchmark-only --benchmark-autosave --benchmark-compare \
		--benchmark-compare-fail='median:$(SLOWER)' --benchmark-group-by=fullname --benchmark-columns=min,median,iqr,rounds -q

wheelhouse:  ## a folder from which a device without internet is installed: deploy/wheelhouse.sh --help for others than 64-bit
	deploy/wheelhouse.sh

emulate: $(READY)  ## the wheel and the tests on an emulated Raspberry Pi, bit by bit as here; see deploy/EMULATE.md
	$(BIN)/python deploy/emulation

clean:
	rm -rf $(VENV) demo build dist wheelhouse .pytest_cache .coverage .mypy_cache .ruff_cache .import_linter_cache
