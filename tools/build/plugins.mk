# What tests of plugins need beside what rules.mk finds by itself.
$(BUILD)/test/common/host/backend_test: | $(BUILD)/plugins/mean.so
$(BUILD)/test/services/identity/face/face_test: | $(BUILD)/plugins/cpu.so

# Conformance: any plugin through tests/contract/plugin_test. A script a plugin, for tools/run-tests.
CONFORM := $(BUILD)/tests/plugin_mean $(BUILD)/tests/plugin_cpu
$(BUILD)/tests/plugin_test: $(BUILD)/obj/tests/contract/plugin_test.o $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ -lcmocka $(PKG_LIBS)
$(BUILD)/tests/plugin_mean: ARGS = image 2x1x4x4
$(BUILD)/tests/plugin_cpu: ARGS = input 1x1x64x64 $(or $(WARD_MODELS),build/models)/faceplugin/fr_landmark.onnx
$(CONFORM): $(BUILD)/tests/plugin_%: $(BUILD)/plugins/%.so $(BUILD)/tests/plugin_test tools/build/plugins.mk
	@printf '#!/bin/sh\nexec %s %s %s\n' $(BUILD)/tests/plugin_test $< '$(ARGS)' >$@
	@chmod +x $@

plugin-test: $(CONFORM) ## each plugin against the contract of plugins/include/ward/plugin.h
	@tools/run-tests $(CONFORM)
.PHONY: plugin-test
