# What tests of plugins need beside what rules.mk finds by itself.
$(BUILD)/test/common/host/backend_test: | $(BUILD)/plugins/mean.so
$(BUILD)/test/common/host/select_test: | $(BUILD)/plugins/mean.so
$(BUILD)/test/services/identity/face/face_test: | $(BUILD)/plugins/cpu.so

# A provider library with an NPU that does not exist, and a model for it: tests/npu.
VIRTUAL_NPU := $(BUILD)/tests/npu/virtual_npu.so
TINY_MODEL  := $(BUILD)/tests/npu/tiny.onnx
$(VIRTUAL_NPU): tests/npu/virtual_npu.c tests/npu/virtual_ops.c tests/npu/virtual_ops.h tools/build/plugins.mk
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) -I. -D_GNU_SOURCE $(CFLAGS_WARD) -fPIC -fvisibility=hidden $(cpu_CFLAGS) -shared $(SAN) -o $@ $(filter %.c,$^) -lm
$(TINY_MODEL): tests/npu/tiny.py
	@mkdir -p $(@D)
	@/usr/bin/python3 $< $@

# Back ends with a fault, for tests of worker processes: build/tests/faults/<name>.so.
FAULTS := $(patsubst tests/faults/%.c,$(BUILD)/tests/faults/%.so,$(wildcard tests/faults/*.c))
$(BUILD)/tests/faults/%.so: tests/faults/%.c tests/faults/faulty.h plugins/plugin.map
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) -Iplugins/include -I. -D_GNU_SOURCE $(CFLAGS_WARD) -fPIC -fvisibility=hidden -shared \
		-Wl,--version-script=plugins/plugin.map -Wl,-z,defs -o $@ $<
$(BUILD)/test/common/serve/isolate_test: | $(FAULTS) $(BUILD)/plugins/mean.so

# Conformance: any plugin through tests/contract/plugin_test. A script a plugin, for tools/run-tests.
PLUGIN_MODEL  = $(or $(WARD_MODELS),build/models)/faceplugin/fr_landmark.onnx
NPU_PROVIDERS = npu_providers=test.virtual=$(abspath $(VIRTUAL_NPU))
CONFORM := $(addprefix $(BUILD)/tests/plugin_,mean cpu gpu npu npu_virtual npu_virtual_tiny)
$(BUILD)/tests/plugin_test: $(BUILD)/obj/tests/contract/plugin_test.o $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ -lcmocka $(PKG_LIBS)
$(BUILD)/tests/plugin_%: ARGS = input 1x1x64x64 $(PLUGIN_MODEL)
$(BUILD)/tests/plugin_mean: ARGS = image 2x1x4x4
$(BUILD)/tests/plugin_npu_virtual: ARGS = input 1x1x64x64 $(PLUGIN_MODEL) $(NPU_PROVIDERS)
$(BUILD)/tests/plugin_npu_virtual_tiny: ARGS = input 1x3x8x8 $(TINY_MODEL) $(NPU_PROVIDERS)
$(CONFORM): $(BUILD)/tests/plugin_test $(PLUGINS) $(VIRTUAL_NPU) $(TINY_MODEL) tools/build/plugins.mk
	@printf '#!/bin/sh\nexec %s %s %s\n' $(BUILD)/tests/plugin_test \
		$(BUILD)/plugins/$(word 1,$(subst _, ,$(@:$(BUILD)/tests/plugin_%=%))).so '$(ARGS)' >$@
	@chmod +x $@

# The host's choice between cpu, gpu and npu, with the virtual NPU.
FACE_MODELS = $(or $(WARD_MODELS),build/models)/faceplugin
$(BUILD)/tests/devices_test: $(BUILD)/obj/tests/npu/devices_test.o $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ -lcmocka $(PKG_LIBS)
DEVICES := $(BUILD)/tests/devices
$(DEVICES): $(BUILD)/tests/devices_test $(PLUGINS) $(VIRTUAL_NPU) $(TINY_MODEL) tools/build/plugins.mk
	@printf '#!/bin/sh\nexec %s %s %s %s %s\n' $< $(BUILD)/plugins $(abspath $(VIRTUAL_NPU)) $(TINY_MODEL) \
		'$(FACE_MODELS)/fr_landmark.onnx input 1x1x64x64 $(FACE_MODELS)/fr_feature.onnx input 1x3x112x112' >$@
	@chmod +x $@

plugin-test: $(CONFORM) $(DEVICES) ## each plugin against the contract of plugins/include/ward/plugin.h
	@tools/run-tests $(CONFORM) $(DEVICES)
.PHONY: plugin-test

bench-devices: $(BUILD)/bench/device_speed $(PLUGINS) ## the face models on each device of this machine, beside the CPU; WARD_NPU_PROVIDERS=name=/path.so
	@mkdir -p build/results
	@$< $(BUILD)/plugins $(or $(WARD_MODELS),build/models) build/results/bench-devices.json
.PHONY: bench-devices

deps-gpu: ## an ONNX Runtime with CUDA into build/ort-gpu (240 MB to fetch); then ORT_HOME=build/ort-gpu make ...
	@tools/fetch-models tools/models-gpu.lock
.PHONY: deps-gpu

# Decodes files as the diagnosis service does: tests/tools/film.c.
$(BUILD)/tests/film: $(BUILD)/obj/tests/tools/film.o $(BUILD)/libdiagnosis.a $(WARD_A) | $(BUILD)/plugins/dicom.so
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PKG_LIBS)
$(BUILD)/test/services/diagnosis/decode/decode_test: | $(BUILD)/plugins/dicom.so
