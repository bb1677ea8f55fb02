# Evaluations on public data: figures with their confidence intervals, into build/results/.
MODELS_DIR := $(or $(WARD_MODELS),build/models)

$(BUILD)/bench/eval_face: $(BUILD)/obj/tests/bench/eval_face.o $(BUILD)/libidentity.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PKG_LIBS)

eval-face: $(BUILD)/bench/eval_face $(BUILD)/plugins/cpu.so ## verification on LFW through identity's own pipeline: accuracy, AUC, TAR
	@mkdir -p build/results
	@if [ -f "$(WARD_DATA)/face_lfw/pairs.tsv" ]; then \
		$(BUILD)/bench/eval_face "$(WARD_DATA)/face_lfw" "$(MODELS_DIR)" $(BUILD)/plugins build/results/eval-face.json; \
	else echo "skipped: no face_lfw in WARD_DATA ($(WARD_DATA))"; fi
.PHONY: eval-face
