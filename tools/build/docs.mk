# Generated documents. The services print docs/config.md and docs/metrics.md. docs/errors.md comes from the reasons.txt files,
# docs/chart-values.md from the chart's values, and docs/methods.md and the chart's table of callers from the .proto files.
# tools/print-monitoring makes the chart's dashboards and alert rules from docs/metrics.md. docs-check fails if a document is out of
# date or no service lists a metric.
CALLERS := deploy/k8s/ward/files/callers.yaml
DOCS_BIN := $(patsubst %,$(BUILD)/bin/%,$(SERVICES))

docs: $(DOCS_BIN) $(BUILD)/tests/reasons ## print docs/config.md, metrics.md, errors.md, chart-values.md, methods.md, and the chart's callers, dashboards and rules; docs/capacity.md
	@tools/print-docs $(BUILD)/bin docs $(sort $(SERVICES))
	@$(BUILD)/tests/reasons >docs/errors.md
	@tools/print-values >docs/chart-values.md && tools/print-methods >docs/methods.md && tools/print-methods callers >$(CALLERS) && tools/print-monitoring
	@deploy/capacity/capacity.js --page >docs/capacity.md

bench-capacity: $(PROGRAMS) $(PLUGINS) $(TOOLS) ## what each act costs in CPU time, bytes and events, for deploy/capacity/costs.json; N=2000
	@node tests/bench/capacity/capacity.mjs $(BUILD) $(or $(N),2000) && cat $(BUILD)/results/bench-capacity.json
.PHONY: bench-capacity

docs-check: $(DOCS_BIN) $(BUILD)/tests/reasons ## check that the printed documents are up to date
	@tools/print-docs $(BUILD)/bin $(BUILD)/docs $(sort $(SERVICES))
	@$(BUILD)/tests/reasons >$(BUILD)/docs/errors.md && tools/check-reasons $(BUILD)/tests/reasons
	@tools/print-values >$(BUILD)/docs/chart-values.md && tools/print-methods >$(BUILD)/docs/methods.md
	@tools/print-monitoring $(BUILD)/docs
	@for f in rules.yaml dashboards; do diff -ru deploy/k8s/ward/files/$$f $(BUILD)/docs/$$f || { echo "the chart's $$f is out of date: make docs"; exit 1; }; done
	@tools/print-methods callers | diff -u $(CALLERS) - || { echo "$(CALLERS) is out of date: make docs"; exit 1; }
	@for d in config metrics errors chart-values methods; do diff -u docs/$$d.md $(BUILD)/docs/$$d.md || \
		{ echo "docs/$$d.md is out of date: make docs"; exit 1; }; done
	@for m in $$(grep -rhoE '\.name = "(ward|grpc|process)_[a-z0-9_]+"' common services --include='*.c' --exclude='*_test.c' \
		| sed 's/.*"\(.*\)"/\1/' | sort -u); do \
		grep -q "^| .$$m. |" $(BUILD)/docs/metrics.md || { echo "no service lists the metric $$m"; exit 1; }; done
.PHONY: docs docs-check
