# Checks: lint, unit, contract, journey, fuzz, sanitize, bench, docs; `make test` runs the tests.

unit: $(UNIT) ## unit tests: no network, no database, under 10 s
	@tools/run-tests $(UNIT)

lint: ## layers, clang-format, clang-tidy, cppcheck, banned functions, file sizes
	@tools/lint
.PHONY: unit lint
