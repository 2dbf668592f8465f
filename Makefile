# make report   both reports on the sample study, in reports/ (start here)
# make lab      JupyterLab at notebooks/
# make test     the test suite, up to 8 minutes on 2 cores
# make check    ruff and mypy
# make verify   the long tests, up to an hour; writes tests/evidence/
# make bench    what 1, 10 and 100 million answers take (ROWS="1e6" is quick), and reports
# make lock     solve requirements.lock anew (UPGRADE=1: to the newest versions)
# make clean    remove .venv and caches; reports stay

VENV  := .venv
BIN   := $(VENV)/bin
PIP   := $(BIN)/python -m pip install --no-input --disable-pip-version-check
UV    := UV_HTTP_RETRIES=1 $(BIN)/python -m uv pip install --python $(BIN)/python --compile-bytecode
LOCK  := --constraint requirements.lock
PLAN  ?= reports/plan.yml

# Where a shell says that Python is to keep nothing of what it compiled, each of the many kernels of
# a run would compile the kit and pandas anew: three times the seconds of a report.
export PYTHONDONTWRITEBYTECODE :=

# Each stamp says that the packages of this lock are in .venv. `run` is what a report needs, `dev`
# adds what the tests and checks need, `verify` Spark and Ibis; all take their versions from
# requirements.lock.
RUN   := $(VENV)/.installed-run
DEV   := $(VENV)/.installed-dev
LONG  := $(VENV)/.installed-verify

.PHONY: report lab test check verify bench lock clean help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# make /make /p' Makefile

report: $(RUN)
	@$(BIN)/cxkit batch $(PLAN)

lab: $(RUN)
	$(BIN)/python -m jupyterlab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks

# In the order of the folders: the shortest files, the doctests, come last and even out the workers.
test: $(DEV)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST)

verify: $(LONG)
	$(BIN)/python -m pytest -m verify $(PYTEST)

# A promise that is not kept is told, the other measures are still taken, and the end is an error.
bench: $(DEV)
	@missed=; for each in "counts $(ROWS)" load hazard notebooks reports; do \
	  name=$${each%% *}; \
	  $(BIN)/python tests/bench/$$name.py $${each#$$name} || missed="$$missed $$name"; \
	done; \
	if [ -n "$$missed" ]; then echo "cxkit: not kept:$$missed" >&2; exit 1; fi

check: $(DEV)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

lock: $(DEV)
	$(BIN)/python -m uv pip compile pyproject.toml --extra verify --universal --python-version 3.11 \
	  --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  $(if $(UPGRADE),--upgrade) --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@for python in "$${PYTHON:-python3.13}" python3.13 python3.12 python3.11 python3 python; do \
	  if "$$python" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
	      2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$python" --version)"; \
	    "$$python" -m venv --clear $(VENV) && exit 0; \
	  fi; \
	done; \
	echo "cxkit: no Python 3.11, 3.12 or 3.13 with its venv module was found." >&2; \
	echo "  looked for: python3.13, python3.12, python3.11, python3, python on the PATH" >&2; \
	echo "  Install one (Debian and Ubuntu: apt install python3 python3-venv), or name it:" >&2; \
	echo "  make report PYTHON=/path/to/python3.12" >&2; \
	exit 1

# uv installs in 20 seconds what takes pip two minutes, but does not know pip's own settings: where it
# cannot get at the packages, pip does it.
define install
	@$(PIP) --quiet $(LOCK) uv && $(UV) $(LOCK) --editable '$(1)' \
	  || { echo "uv could not; pip does it, which takes longer" >&2; $(PIP) $(LOCK) --editable '$(1)'; }
endef

$(RUN): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing cxkit and the packages of requirements.lock into $(VENV): once"
	$(call install,.)
	@touch $@

$(DEV): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing cxkit, its packages and the test tools of requirements.lock into $(VENV)"
	$(call install,.[dev])
	@touch $(RUN) $@

$(LONG): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing also Spark and Ibis, for the long tests, into $(VENV)"
	$(call install,.[verify])
	@touch $(RUN) $(DEV) $@
