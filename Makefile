# Two commands: `make app` and `make test`; the tasks themselves stand in tasks.py, which needs no make.
PYTHON ?= python3
export PORT ?= 8501
TASK = @$(PYTHON) -m tasks $@

.PHONY: app setup test docs resources checks lint types unit test-ray test-portable fuzz mutants bench bench-smoke soak clean

app:
	$(TASK)
setup:
	$(TASK)
test:
	$(TASK)
docs:
	$(TASK)
resources:
	$(TASK)
checks:
	$(TASK)
lint:
	$(TASK)
types:
	$(TASK)
unit:
	$(TASK)
test-ray:
	$(TASK)
test-portable:
	$(TASK)
fuzz:
	$(TASK)
mutants:
	$(TASK)
bench:
	$(TASK)
bench-smoke:
	$(TASK)
soak:
	$(TASK)
clean:
	$(TASK)
