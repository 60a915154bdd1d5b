# Every target sets up what it needs: Python 3.11 or newer is all that a machine must have.
# The environment is .venv; the second time it is there at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.hubbub-installed
LOCK := requirements.lock

.DEFAULT_GOAL := help
.PHONY: help demo test check kafka format references lock clean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(INSTALLED) ## start Kafka and every stage, replay a story, open the live page
	@$(BIN)/hubbub demo

test: check ## run all of CI: form, lint, types, import rules, examples, tests
	@$(BIN)/pytest

check: $(INSTALLED) ## run everything of CI but the tests
	@echo "form" && $(BIN)/ruff format --check --quiet .
	@echo "lint" && $(BIN)/ruff check --quiet .
	@echo "types" && $(BIN)/mypy --no-error-summary
	@echo "import rules" && { $(BIN)/lint-imports > $(VENV)/lint-imports.log 2>&1 || { cat $(VENV)/lint-imports.log; exit 1; }; }

kafka: $(INSTALLED) ## run Apache Kafka alone, until Ctrl-C
	@$(BIN)/hubbub kafka

format: $(INSTALLED) ## format the code and mend what lint can mend
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

references: $(INSTALLED) ## write the pages of contracts/reference and its schemas anew
	@$(BIN)/hubbub references

lock: $(INSTALLED) ## write requirements.lock anew from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --system-certs --extra kafka --extra plots --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet --output-file $(LOCK)

clean: ## remove the environment and every cache
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist

# uv installs in seconds what takes pip half a minute; its own wheel comes by pip, by the same hashes. It trusts
# what the system trusts, but reads none of pip's settings: where only pip knows the mirror, pip does it all.
$(INSTALLED): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "hubbub needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@echo "installing into $(VENV) from $(LOCK) (once)"
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv $(VENV) || \
		{ echo "$(PYTHON) cannot make an environment; on Debian: apt install python3-venv" >&2; exit 1; }
	@awk '/^[^ #]/ {on = /^uv==/} on' $(LOCK) > $(VENV)/uv-requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv-requirements.txt
	@$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --require-hashes --no-deps -r $(LOCK) || \
		{ echo "uv could not; pip does it"; false; } || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
