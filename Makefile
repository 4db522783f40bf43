PYTHON ?= python3
BIN := .venv/bin
SEED ?= --hypothesis-seed=20250127
export OPENBLAS_NUM_THREADS := 1
.PHONY: demo dev test check lint lock dictionary bi bi-test test-spark cluster-test bench
demo: .venv/.ready  ## run the replay of January 2025, show what it found
	@$(BIN)/selloff demo

dev: .venv/.ready  ## the Dagster UI, on this machine only
	DAGSTER_DISABLE_TELEMETRY=1 $(BIN)/dagster dev --host 127.0.0.1

test: .venv/.ready  ## SEED= looks for new counterexamples; a gate must say the same twice
	$(BIN)/pytest --numprocesses auto --dist loadfile $(SEED)

lint: .venv/.ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/basedpyright
	$(BIN)/lint-imports && $(BIN)/codespell && $(BIN)/python -m warehouse.dictionary --check && \
	  $(BIN)/python -m resources.warehouse.macros --check

check: lint test
lock: .venv/.ready  ## pin every dependency with its hashes
	$(BIN)/uv pip compile --quiet pyproject.toml --output-file requirements.lock
dictionary: .venv/.ready
	$(BIN)/python -m resources.warehouse.macros && $(BIN)/python -m warehouse.dictionary

bi bi-test: .venv/.ready  ## Superset over the published release; a check of all of it (docs/bi.md)
	$(BIN)/python scripts/bi.py $(if $(filter bi,$@),serve,test)

test-spark cluster-test: .venv/.ready  ## Spark as DuckDB; two workers, killed (docs/engines.md)
	nice $(BIN)/python scripts/spark.py $(if $(filter cluster-test,$@),cluster)

bench: .venv/.ready  ## ours against peers and limits (benchmarks/README.md); BENCH= names some
	nice $(BIN)/python -m benchmarks $(BENCH)

.venv/.ready: requirements.lock scripts/selloff.py
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps \
	  --require-hashes -r requirements.lock
	$(BIN)/python scripts/selloff.py $(BIN)/selloff && touch $@
