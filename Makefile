# Two commands do everything on a bare Debian 12 with python3, pip and make: `make demo` and `make test`.
# A venv without pip, filled by the system's pip, needs neither python3-venv nor a newer pip.
PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
PIP = $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check

install: $(VENV)/.ok

$(VENV)/.ok: requirements.lock pyproject.toml
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PIP) install -q --no-compile --only-binary :all: --require-hashes --no-deps -r requirements.lock
	$(PIP) install -q --no-deps --no-build-isolation -e .
	touch $@

test: install
	$(BIN)/python -m pytest -q -n auto

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

demo: install
	$(BIN)/outreach demo var/demo

bench: install
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m benchmarks

# Maintainers only: the resolver lives in a venv of its own and is never a dependency.
lock:
	$(PYTHON) -m venv .uv
	.uv/bin/pip install -q uv
	.uv/bin/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-header --no-annotate \
	  --no-emit-index-url pyproject.toml --all-extras --group dev -o requirements.lock

clean:
	rm -rf $(VENV) .uv var .pytest_cache .mypy_cache .ruff_cache dist build

.PHONY: install test lint demo bench lock clean
