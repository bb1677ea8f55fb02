# Images of the services (deploy/image), and what tests and releases make of them. podman, not in `make deps`: make deps-image.

IMG := $(BUILD)/image
deps-image: ## install what builds and tests images: podman, mmdebstrap, skopeo
	@tools/deps-more tools/packages-image.txt

# The plugins as images have them: without the path of this machine's ONNX Runtime.
ort_image_libs := -L$(ORT)/lib -l:libonnxruntime.so.1 -Wl,-rpath,'$$ORIGIN/../ort/lib'
IMAGE_PLUGINS := $(patsubst %,$(IMG)/plugins/%.so,cpu gpu npu)
define image_plugin_rule
$(IMG)/plugins/$1.so: $(call PLUGIN_OBJ,$1) plugins/plugin.map tools/build/image.mk
	@mkdir -p $$(@D)
	@$(CC) -shared $(LDFLAGS_WARD) -Wl,--version-script=plugins/plugin.map -Wl$(,)-z$(,)defs -o $$@ $(call PLUGIN_OBJ,$1) $$(ort_image_libs) -lm
endef
$(foreach p,cpu gpu npu,$(eval $(call image_plugin_rule,$p)))
# The decoder needs no ONNX Runtime: its libraries are in the base.
IMAGE_PLUGINS += $(IMG)/plugins/dicom.so
$(IMG)/plugins/dicom.so: $(BUILD)/plugins/dicom.so
	@mkdir -p $(@D)
	@cp $< $@

# Debian's packages as the mirror has them today: `make image-base` fetches them again.
$(IMG)/base.tar: deploy/image/base deploy/image/packages.txt
	@mkdir -p $(@D)
	@deploy/image/base $@
image-base:
	@mkdir -p $(IMG) && deploy/image/base $(IMG)/base.tar

$(IMG)/.staged: $(PROGRAMS) $(IMAGE_PLUGINS) $(IMG)/base.tar $(TEXT_DATA) deploy/image/stage deploy/image/Containerfile
	@BUILD=$(BUILD) ORT=$(ORT) deploy/image/stage && touch $@

images: $(IMG)/.staged ## an image of each service in build/image/oci, by its digest; CLASS=gpu or npu for that device
	@BUILD=$(BUILD) deploy/image/build
.PHONY: deps-image image-base images

image-test: ready $(HOLD) ## images run as in a cluster, the demo's journey over them; sizes and starts in build/results/image-test.json
	@$(MAKE) --no-print-directory $(TOOLS); tools/fetch-helm; \
	if command -v podman mmdebstrap >/dev/null; then $(MAKE) --no-print-directory images; fi
	@BUILD=$(BUILD) TIMEOUT_S=3600 $(HOLD) tools/run-node $(sort $(wildcard tests/image/*.test.js))
.PHONY: image-test

release: images ## the folder of a release in build/release/RELEASE, signed where KEY=FILE KEY_NAME=NAME are given: RELEASE=1.2.0
	@test -n "$(RELEASE)" || { echo "which release? make release RELEASE=1.2.0"; exit 1; }
	@mkdir -p $(BUILD)/release
	@BUILD=$(BUILD) VERSION=$(RELEASE) KEY='$(KEY)' KEY_NAME='$(KEY_NAME)' deploy/image/release $(BUILD)/release/$(RELEASE)
.PHONY: release
