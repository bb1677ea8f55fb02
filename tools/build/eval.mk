# Evaluations on public data: figures with their confidence intervals, into build/results/.
MODELS_DIR := $(or $(WARD_MODELS),build/models)
LFW        := $(WARD_DATA)/face_lfw

FACES_O := $(call obj,$(wildcard tests/bench/faces/*.c))
$(BUILD)/bench/eval_face $(BUILD)/bench/calibrate_face: $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(FACES_O) $(BUILD)/libidentity.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PKG_LIBS)

eval-face: $(BUILD)/bench/eval_face $(BUILD)/plugins/cpu.so ## verification on LFW through identity's own pipeline; PACK=faceplugin|clear, both without
	@if [ -f "$(LFW)/pairs.tsv" ]; then node tests/bench/eval_face.mjs $(BUILD) "$(MODELS_DIR)" "$(LFW)" $(PACK); \
	else echo "skipped: no face_lfw in WARD_DATA ($(WARD_DATA))"; fi

# OUT=models/clear/calibration.json replaces the pack's own.
calibrate: PACK ?= faceplugin
calibrate: OUT ?= build/results/calibration-$(PACK).json
calibrate: $(BUILD)/bench/calibrate_face $(BUILD)/plugins/cpu.so ## thresholds of a pack from all pairs of LFW's images; PACK=clear OUT=FILE
	@mkdir -p $(dir $(OUT))
	@if [ -f "$(LFW)/pairs.tsv" ]; then \
		$(BUILD)/bench/calibrate_face $(PACK) "$(LFW)" "$(MODELS_DIR)" $(BUILD)/plugins $(OUT); \
	else echo "skipped: no face_lfw in WARD_DATA ($(WARD_DATA))"; fi

eval-orders: $(BUILD)/tests/check_run ## the order check against a pharmacist's scenarios; ALL=1 lists both halves' misses
	@BUILD=$(BUILD) ALL=$(ALL) node tests/eval/orders.mjs

models: ## fetch and convert the models of tools/models.lock
	@tools/fetch-models
.PHONY: eval-face eval-orders calibrate models
