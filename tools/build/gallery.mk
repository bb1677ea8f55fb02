# The galleries' tests and bench: programs that need identity's own library beside common/.
$(BUILD)/integration/gallery_test $(BUILD)/integration/gallery_snapshot_test: $(BUILD)/integration/%: \
		$(BUILD)/obj/tests/integration/%.o $(BUILD)/obj/tests/integration/gallery_it.o $(BUILD)/obj/tests/integration/it.o \
		$(BUILD)/libidentity.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ -lcmocka $(PKG_LIBS)

$(BUILD)/bench/gallery_load $(BUILD)/bench/face_capture: $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(BUILD)/libidentity.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PKG_LIBS)

bench-face: $(addprefix $(BUILD)/bench/,face_capture face_scan gallery_load eval_face) $(BUILD)/bin/identity $(BUILD)/bin/wardctl $(BUILD)/plugins/cpu.so ## faces: capture, scan, Identify as the gallery grows; SIZES=10000,...,1000000 SEEDS=FILE
	@node tests/bench/face.mjs $(BUILD) "$(MODELS_DIR)" $(WAIT_MS)
.PHONY: bench-face

eval-identify: $(BUILD)/bench/eval_face $(BUILD)/plugins/cpu.so ## 1:N on LFW's photographs: what FPIR, threshold and margin come to
	@if [ -f "$(WARD_DATA)/face_lfw/pairs.tsv" ]; then mkdir -p $(BUILD)/results && \
		$(BUILD)/bench/eval_face faceplugin "$(WARD_DATA)/face_lfw" "$(MODELS_DIR)" $(BUILD)/plugins models/faceplugin/calibration.json \
			$(BUILD)/results/eval-identify.json $(BUILD)/results/lfw.f32 >/dev/null 2>&1; \
		node tests/bench/identify_lfw.mjs $(BUILD)/results/lfw.f32 models/faceplugin/calibration.json; \
	else echo "skipped: no face_lfw in WARD_DATA ($(WARD_DATA))"; fi
.PHONY: eval-identify
