# Checks: lint, unit, contract, journey, fuzz, sanitize, bench, docs; `make test` runs the tests.

unit: $(UNIT) ## unit tests: no network, no database, under 10 s
	@tools/run-tests $(UNIT)

lint: ## layers, clang-format, clang-tidy, cppcheck, banned functions, file sizes
	@tools/lint
.PHONY: unit lint

# Everything below is built again with the sanitizers in, in a build of its own.
ASAN := -fsanitize=address,undefined -fno-sanitize-recover=all
sanitize: ## unit, integration and contract tests under ASan, UBSan and LSan
	@LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0 \
		$(MAKE) --no-print-directory BUILD=$(BUILD)/asan OPT=-O1 SAN="$(ASAN)" tiers TIERS="unit plugin-test integration contract"
tiers: build
	+@tools/test-all $(TIERS)
.PHONY: sanitize tiers
