# make demo    install, run pipelines/quickstart.yaml, say where the results are
# make test    install, run the tests
# make test-cluster   PostgreSQL, MLflow, an object store and two Ray nodes on this machine
# make lint    format, lint and type checks, also of docker/; the manual with warnings as errors
# make docs    the manual, into site/
# make bench   the benchmarks, each against its peers in the same run
.PHONY: demo setup test test-cluster lint docs bench clean
.DEFAULT_GOAL := demo

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
CPUS ?= 2
# Its theme's makers advertise in the log of every build.
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# "compat" puts this folder on the path; the other kind of editable install costs every start of Python 10 ms.
EDITABLE := --config-settings editable_mode=compat --editable

# A stamp for each set of packages: a second call installs nothing.
$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV) (a few minutes, once) ..."
	@$(PIP) $(EDITABLE) '.[all]'
	@$(BIN)/python -m compileall -q pipeline plugins # as pip does for what is not editable
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(PIP) $(EDITABLE) '.[all,cluster,test,lint,docs]'
	@touch $@

setup: $(VENV)/.installed

demo: $(VENV)/.installed
	@$(BIN)/pipeline run pipelines/quickstart.yaml
	@echo
	@echo "Pictures:  mlartifacts/ (one folder for each run; reconstructions and samples under the stages' names)"
	@echo "Browse:    $(BIN)/pipeline ui"

# One thread for each of the processes: together they have no more than the machine.
test: $(VENV)/.installed-dev
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest -n $(CPUS) --dist loadgroup

test-cluster: $(VENV)/.installed-dev
	@sh tests/cluster/needs.sh
	@$(BIN)/python -m pytest -m cluster tests/cluster

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/hadolint docker/Dockerfile
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker/compose.yaml
	@$(MKDOCS) --quiet

docs: $(VENV)/.installed-dev
	@$(MKDOCS)
	@echo "Open site/index.html"

bench: $(VENV)/.installed-dev
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) .pipeline mlflow.db mlartifacts site
