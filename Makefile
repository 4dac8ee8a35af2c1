# `make demo` and `make test` work on a machine that has only Python >= 3.10, pip and make.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

.PHONY: help demo test lab notebooks export bench stress docs clean

help:
	@echo "make demo       train a small network in both phases on real photos, fill holes, write runs/demo"
	@echo "make test       check the exports, run every notebook, run the tests"
	@echo "make lab        open JupyterLab on the first lesson"
	@echo "make bench      measure layer, network and loss against the plain twin and the published form"
	@echo "make stress     long trials: damaged pictures, killed and poisoned trainings (well over an hour)"
	@echo "make docs       build the site, course and reference, in _site/ and check its links"
	@echo "make export     write pconv_edu/ anew from the notebooks"
	@echo "make notebooks  run every notebook and keep its outputs (NB=nbs/03_mask_update.ipynb for one)"
	@echo "make clean      remove what demo and tests wrote; the environment in $(VENV) stays"

$(STAMP): settings.ini setup.py constraints.txt tools/install.py
	@$(PYTHON) tools/install.py $(VENV)
	@touch $@

demo: $(STAMP)
	@$(PY) -m pconv_edu.demo $(ARGS)

test: $(STAMP)
	@$(PY) tools/run_tests.py

lab: $(STAMP)
	@$(PY) -m jupyter lab nbs/00_start_here.ipynb

notebooks: $(STAMP)
	@$(PY) tools/run_notebooks.py $(NB)

export: $(STAMP)
	@$(VENV)/bin/nbdev_export

bench: $(STAMP)
	@$(PY) -m pconv_edu.bench $(ARGS)
	@$(PY) -m pconv_edu.bench_loss

stress: $(STAMP)
	@$(PY) tools/stress_images.py
	@$(PY) tools/stress_train.py $(ARGS)

docs: $(STAMP)
	@$(PY) tools/make_docs.py

clean:
	rm -rf runs build dist _site *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
