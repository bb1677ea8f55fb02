# Evaluations of capture quality and liveness on public data: figures with their confidence
# intervals, into build/results/.
LIVE_O := $(call obj,tests/bench/live/lfw.c tests/bench/live/degrade.c tests/bench/live/retone.c)
$(addprefix $(BUILD)/bench/eval_,quality liveness redact several reasons): $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(LIVE_O) \
		$(BUILD)/libidentity.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PKG_LIBS)

eval_live = mkdir -p build/results; if [ -f "$(WARD_DATA)/face_lfw/pairs.tsv" ]; then \
	$(BUILD)/bench/eval_$1 "$(WARD_DATA)/face_lfw" "$(MODELS_DIR)" $(BUILD)/plugins build/results/eval-$1.json $(PACK); \
	else echo "skipped: no face_lfw in WARD_DATA ($(WARD_DATA))"; fi

eval-quality: $(BUILD)/bench/eval_quality $(BUILD)/plugins/cpu.so ## what the capture gates refuse, of LFW and of copies made worse; PACK=faceplugin
	@$(call eval_live,quality)
eval-liveness: $(BUILD)/bench/eval_liveness $(BUILD)/plugins/cpu.so ## liveness on LFW and on simulated attacks; PACK=faceplugin
	@$(call eval_live,liveness)
eval-several: $(BUILD)/bench/eval_several $(BUILD)/plugins/cpu.so ## how often a second face is in the way, and whether the wrong one is taken; PACK=faceplugin
	@$(call eval_live,several)
eval-reasons: $(BUILD)/bench/eval_reasons $(BUILD)/plugins/cpu.so ## whether a refused photograph is given the right reason, and whom the limits for enrolment refuse; PACK=faceplugin
	@mkdir -p build/results; if [ -d "$(WARD_DATA)/face_lfw" ] && [ -d "$(WARD_DATA)/face_groups" ] && [ -d "$(WARD_DATA)/face_masks" ]; then \
	$(BUILD)/bench/eval_reasons "$(WARD_DATA)" "$(MODELS_DIR)" $(BUILD)/plugins build/results/eval-reasons.json $(PACK); \
	else echo "skipped: no face_lfw, face_groups and face_masks in WARD_DATA ($(WARD_DATA))"; fi
eval-redact: $(BUILD)/bench/eval_redact $(BUILD)/plugins/cpu.so ## what share of faces Redact hides, by their width; PACK=faceplugin
	@$(call eval_live,redact)
eval-masks: $(BUILD)/bin/identity $(BUILD)/bin/wardctl $(BUILD)/plugins/cpu.so ## what the capture gates say of real masks and bare faces
	@if [ -d "$(WARD_DATA)/face_masks" ]; then node tests/bench/eval_masks.mjs $(BUILD) "$(WARD_DATA)"; \
	else echo "skipped: no face_masks in WARD_DATA ($(WARD_DATA))"; fi
.PHONY: eval-quality eval-liveness eval-redact eval-several eval-reasons eval-masks
