# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := torch==2.13.0

.PHONY: demo docs test lint unit coverage browser slow faults walkthrough examples vllm fuzz mutants bench train-small pretrain-tiny tune-tiny clean

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "georay needs Python 3.11 or newer; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[offline,acquisition,dev]'
	@# Without what it asks for: torchvision, which does not load beside this torch.
	$(BIN)/pip install --quiet --no-deps -c constraints.txt geoclip
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/georay demo $(if $(QUICK),--quick)

test: $(VENV)/.installed lint unit

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

# Each process with one of torch's threads: more would wait for each other. Three processes for two
# cores, because many tests wait for Ray to start and end what they need.
unit: browser
	OMP_NUM_THREADS=1 $(BIN)/pytest -m 'not slow' -n 3 --dist loadfile --no-loadscope-reorder

coverage: browser
	$(BIN)/pytest -m 'not slow' --cov --cov-report=term:skip-covered

browser: $(VENV)/.installed
	@tests/install_browser.sh

slow: browser
	$(BIN)/pytest -m slow -v

# Kills, a full disk, a node cut off, an overloaded storage: an hour or two of a machine to itself.
faults: $(VENV)/.installed
	$(BIN)/python -m benchmarks.faults

walkthrough: $(VENV)/.installed
	$(BIN)/pytest -m slow -v tests/integration/test_walkthrough.py

examples: $(VENV)/.installed
	$(BIN)/pytest -m slow -v tests/integration/test_examples.py

# A vLLM server for CPUs in an environment of its own: it brings another torch.
vllm: $(VENV)/.installed
	tests/install_vllm.sh
	$(BIN)/pytest -m slow -v tests/integration/test_vllm_server.py tests/unit/benchmarks/test_random_qwen.py

fuzz: $(VENV)/.installed
	$(BIN)/pip install --quiet atheris
	$(BIN)/python tests/fuzz/fuzz_answers.py -max_total_time=600 -timeout=5 -max_len=4096

# Small faults put into the science, to see whether the tests notice: minutes of one core.
mutants: $(VENV)/.installed
	$(BIN)/python -m benchmarks.mutants

bench: $(VENV)/.installed
	for each in curation locatability streetworld qwen_vl decoding training serving; do \
	  $(BIN)/python -m benchmarks.$$each || exit 1; done

# glibc gives large blocks back to the kernel at every step; keeping them makes a step 1.5 times faster.
train-small pretrain-tiny: export MALLOC_MMAP_MAX_ := 0
train-small pretrain-tiny: export MALLOC_TRIM_THRESHOLD_ := 100000000000
train-small pretrain-tiny: export MALLOC_TOP_PAD_ := 268435456
train-small pretrain-tiny: export GLIBC_TUNABLES := glibc.malloc.hugetlb=1
# Three trainings, each from the weights of the one before it.
train-small: $(VENV)/.installed
	$(BIN)/python -m jobs.train_segmenter --recipe jobs/recipes/train-segmenter-camvid.yaml
	$(BIN)/python -m jobs.train_segmenter --recipe jobs/recipes/train-segmenter.yaml
	$(BIN)/python -m jobs.train_segmenter --recipe jobs/recipes/train-segmenter-outdoor.yaml

pretrain-tiny: $(VENV)/.installed
	$(BIN)/python -m jobs.pretrain_tiny

tune-tiny: $(VENV)/.installed
	$(BIN)/python -m jobs.tune_tiny

clean:
	rm -rf $(VENV) runs build dist
