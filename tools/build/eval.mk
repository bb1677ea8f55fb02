# Evaluations on public data: figures with their confidence intervals, into build/results/.
MODELS_DIR := $(or $(WARD_MODELS),build/models)
LFW        := $(WARD_DATA)/face_lfw

FACES_O := $(call obj,$(wildcard tests/bench/faces/*.c))
$(BUILD)/bench/eval_face $(BUILD)/bench/embed_faces: $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(FACES_O) $(BUILD)/libidentity.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PKG_LIBS)

# Embeddings take minutes, and stay the same until the pipeline or a model changes.
EMBEDDED      := $(BUILD)/eval
EMBEDDED_BY   := $(wildcard services/identity/face/*.c services/identity/live/*.c tests/bench/faces/*.c common/image/*.c) tests/bench/embed_faces.c tools/models.lock
FACES_PEOPLE  := $(WARD_DATA)/face_groups/people.tsv
EMBEDDED_ALL  := $(foreach p,faceplugin clear,$(foreach s,face_lfw face_groups,$(EMBEDDED)/$(p)-$(s).f32))
define embedded
$(EMBEDDED)/$(1)-$(2).f32: $(EMBEDDED_BY) | $(BUILD)/bench/embed_faces $(BUILD)/plugins/cpu.so
	@mkdir -p $$(@D)
	@echo "  embedding $(2) with $(1)"
	@$(BUILD)/bench/embed_faces $(1) "$(WARD_DATA)/$(2)" "$(MODELS_DIR)" $(BUILD)/plugins $$@.new 2>/dev/null && mv $$@.new.tsv $$@.tsv && mv $$@.new $$@
endef
$(foreach p,faceplugin clear,$(foreach s,face_lfw face_groups,$(eval $(call embedded,$(p),$(s)))))

# People of one group need both sets; without face_groups, verification on LFW alone.
eval-face: $(BUILD)/bench/eval_face $(BUILD)/plugins/cpu.so ## faces: LFW, false matches by group, people found; PACK=faceplugin|clear, both without
	@if [ -f "$(LFW)/pairs.tsv" ]; then \
		if [ -f "$(FACES_PEOPLE)" ]; then $(MAKE) --no-print-directory $(EMBEDDED_ALL) || exit 1; else echo "skipped: groups: no face_groups in WARD_DATA ($(WARD_DATA))"; fi; \
		node tests/bench/eval_face.mjs $(BUILD) "$(MODELS_DIR)" "$(LFW)" "$(FACES_PEOPLE)" $(PACK); \
	else echo "skipped: no face_lfw in WARD_DATA ($(WARD_DATA))"; fi

# OUT=models/clear/calibration.json replaces the pack's own.
calibrate: PACK ?= faceplugin
calibrate: OUT ?= build/results/calibration-$(PACK).json
calibrate: ## thresholds of a pack from LFW and the choosing half of face_groups; PACK=clear OUT=FILE
	@mkdir -p $(dir $(OUT))
	@if [ -f "$(LFW)/pairs.tsv" ] && [ -f "$(FACES_PEOPLE)" ]; then $(MAKE) --no-print-directory $(EMBEDDED_ALL) && \
		node tests/bench/calibrate_face.mjs $(EMBEDDED) "$(FACES_PEOPLE)" $(PACK) models/$(PACK)/calibration.json $(OUT); \
	else echo "skipped: no face_lfw or face_groups in WARD_DATA ($(WARD_DATA))"; fi

eval-orders: $(BUILD)/tests/check_run ## the order check against a pharmacist's scenarios; ALL=1 lists both halves' misses
	@BUILD=$(BUILD) ALL=$(ALL) node tests/eval/orders.mjs

eval-import: build ## how much of 80 foreign charts an import keeps, and whether it comes out as it went in
	@node tests/bench/eval_import.mjs $(BUILD) build/results/eval-import.json

models: ## fetch and convert the models of tools/models.lock
	@tools/fetch-models
.PHONY: eval-face eval-orders eval-import calibrate models

eval-models: $(PROGRAMS) $(PLUGINS) ## the diagnosis models through the service: test splits, what they abstain on
	@BUILD=$(BUILD) node tests/eval/models.mjs
.PHONY: eval-models
