# The chart in deploy/k8s: judged by what helm makes of it, without a cluster.

CHART_TEST := $(sort $(wildcard tests/chart/*.test.js))
chart-test: ready $(HOLD) ## the chart: helm lint, every value set against the Kubernetes schema and Pod Security, in build/results/chart-test.json too
	@tools/fetch-helm || echo "helm cannot be had: what needs it is skipped"
	@$(HOLD) tools/run-node $(CHART_TEST)

chart-baseline: ## write down the selectors and volume claims that the next version must not change
	@tools/fetch-helm && node tests/chart/baseline.js
.PHONY: chart-test chart-baseline
