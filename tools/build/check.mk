# Checks: lint, unit, sanitize; `make test` (journey.mk) runs every tier.

unit: $(UNIT) $(HOLD) ## unit tests: no network, no database, under 10 s
	@$(HOLD) tools/run-tests $(UNIT)

check: ## what changed since BASE (HEAD): format, layers, warnings, its unit tests; under 30 s
	+@BUILD=$(BUILD) tools/check

lint: $(PROTO_STAMP) ## layers, clang-format, clang-tidy with clang's static analyzer, cppcheck, banned functions, file sizes
	@BUILD=$(BUILD) tools/lint
lint-quick: $(PROTO_STAMP) ## the same without the static analyzer: a minute, not ten
	@BUILD=$(BUILD) tools/lint quick
.PHONY: check unit lint lint-quick

compile_commands.json: $(PROTO_STAMP) FORCE ## how each C file is compiled, for clangd and editors
	@tools/compile-commands $(CC) $(CPPFLAGS_WARD) $(CFLAGS_WARD) $(PKG_CFLAGS) >$@

mutants: ready ## how many of N=40 small faults the tests notice: SEED=n ONLY=common/bus; killed_share in build/results/mutants.json
	@$(MAKE) --no-print-directory build
	@node tests/mutants/run.js
.PHONY: mutants

# Everything below is built again with the sanitizers in, in a build of its own.
ASAN := -fsanitize=address,undefined -fno-sanitize-recover=all
sanitize: ## unit, integration and contract tests under ASan, UBSan and LSan
	@LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0 \
		$(MAKE) --no-print-directory BUILD=$(BUILD)/asan OPT=-O1 SAN="$(ASAN)" tiers TIERS="unit plugin-test integration contract"
tiers: build $(HOLD)
	+@$(HOLD) tools/test-all $(TIERS)
.PHONY: sanitize tiers
