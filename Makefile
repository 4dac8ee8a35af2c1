# `make demo` and `make test` work on a machine that has only Python >= 3.10, pip and make.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

.PHONY: help demo test test-browser lab notebooks export bench stress docs docs-browser page clean

help:
	@echo "make demo       train a small network in both phases on real photos, fill holes, write runs/demo"
	@echo "make test       check the exports, run every notebook, run the tests"
	@echo "make test-browser  open every lesson in JupyterLab in a headless Chromium, run it, move its controls, draw a hole;"
	@echo "                   try the page of make page in Chromium and in Firefox"
	@echo "make lab        open JupyterLab on the first lesson"
	@echo "make bench      measure layer, network and loss against the plain twin and the published form"
	@echo "make stress     long trials: damaged pictures, every kind of input, killed and poisoned training runs (well over an hour)"
	@echo "make docs       build the site, course and reference, in _site/ and check its links"
	@echo "make docs-browser  open each page of it in Chromium and Firefox, as wide as a desktop and as a phone, and search"
	@echo "make page       build the page that fills holes in the browser, in _page/"
	@echo "make export     rewrite pconv_edu/ from the notebooks"
	@echo "make notebooks  run every notebook and keep its outputs (NB=nbs/03_mask_update.ipynb for one)"
	@echo "make clean      remove what demo, bench, docs and tests wrote; your own runs and the environment in $(VENV) stay"

$(STAMP): settings.ini setup.py constraints.txt tools/install.py
	@$(PYTHON) tools/install.py $(VENV)
	@touch $@

demo: $(STAMP)
	@$(PY) -m pconv_edu.course.demo $(ARGS)

test: $(STAMP)
	@$(PY) tools/run_tests.py $(ARGS)

test-browser: $(STAMP)
	@$(PY) tools/run_tests.py --only-browser

lab: $(STAMP)
	@$(PY) -m jupyter lab --ServerApp.root_dir=. nbs/00_start_here.ipynb

notebooks: $(STAMP)
	@$(PY) tools/run_notebooks.py $(NB)

export: $(STAMP)
	@$(VENV)/bin/nbdev_export

bench: $(STAMP)
	@$(PY) -m pconv_edu.course.bench $(ARGS)
	@$(PY) -m pconv_edu.course.bench_loss
	@$(PY) -m pconv_edu.course.bench_inpaint

stress: $(STAMP)
	@$(PY) tools/stress_images.py
	@$(PY) tools/stress_inputs.py
	@$(PY) tools/stress_train.py $(ARGS)

docs: $(STAMP)
	@$(PY) tools/make_docs.py

docs-browser: $(STAMP)
	@$(PY) tools/try_site.py $(ARGS)

page: $(STAMP)
	@$(PY) tools/make_page.py $(ARGS)

clean:
	rm -rf runs/demo runs/bench runs/masks build dist _site _page .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
