# Two commands: `make app` and `make test`; the tasks themselves stand in tasks.py, which needs no make.
PYTHON ?= python3
export PORT ?= 8501
TASKS := app test docs resources checks lint types unit test-ray test-portable fuzz mutants bench bench-smoke soak clean

.PHONY: $(TASKS)

$(TASKS):
	@$(PYTHON) -m tasks $@
