# examples/ and the packages of the .proto files that they use. tests/journey/examples.test.js runs all four.

PACKAGES := $(BUILD)/packages
$(PACKAGES)/.made: $(shell find proto -name '*.proto') tools/pack-protos examples/node/package/index.js examples/python/package/__init__.py deploy/k8s/ward/Chart.yaml
	@tools/pack-protos $(PACKAGES)
	@touch $@
protos-package: $(PACKAGES)/.made ## the .proto files as packages with stubs (npm, Python, Java), into build/packages/
	@ls -l $(PACKAGES)

# What clients of the last release rely on. `buf breaking` compares proto/ with it (tests/contract/buf).
PROTO_BASELINE := tests/proto/baseline.binpb.gz
proto-baseline: ## record the .proto files as those of a release: later ones must not break their clients
	@node_modules/.bin/buf build --exclude-source-info -o $(PROTO_BASELINE)

$(BUILD)/examples/journey: $(BUILD)/obj/examples/c/journey.o $(WARD_A)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PKG_LIBS)

deps-examples: ## install what the examples need beside `make deps`: grpc-java (100 MB)
	@tools/deps-more tools/packages-examples.txt
.PHONY: protos-package proto-baseline deps-examples
