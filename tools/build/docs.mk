# docs/config.md and docs/metrics.md are printed by the services themselves, docs/errors.md from
# common/base/reason.c; docs-check finds what
# was changed in a table and not printed again, and a metric that no service lists.
DOCS_BIN := $(patsubst %,$(BUILD)/bin/%,$(SERVICES))

docs: $(DOCS_BIN) $(BUILD)/tests/reasons ## print docs/config.md, docs/metrics.md and docs/errors.md
	@tools/print-docs $(BUILD)/bin docs $(sort $(SERVICES))
	@$(BUILD)/tests/reasons >docs/errors.md

docs-check: $(DOCS_BIN) $(BUILD)/tests/reasons ## do they still say what the programs do?
	@tools/print-docs $(BUILD)/bin $(BUILD)/docs $(sort $(SERVICES))
	@$(BUILD)/tests/reasons >$(BUILD)/docs/errors.md && tools/check-reasons $(BUILD)/tests/reasons
	@for d in config metrics errors; do diff -u docs/$$d.md $(BUILD)/docs/$$d.md || \
		{ echo "docs/$$d.md is out of date: make docs"; exit 1; }; done
	@for m in $$(grep -rhoE '\.name = "(ward|grpc|process)_[a-z0-9_]+"' common services --include='*.c' --exclude='*_test.c' \
		| sed 's/.*"\(.*\)"/\1/' | sort -u); do \
		grep -q "^| .$$m. |" $(BUILD)/docs/metrics.md || { echo "no service lists the metric $$m"; exit 1; }; done
.PHONY: docs docs-check
