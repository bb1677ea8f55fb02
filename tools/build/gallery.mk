# The galleries' tests and bench: programs that need identity's own library beside common/.
$(BUILD)/integration/gallery_test $(BUILD)/integration/gallery_snapshot_test: $(BUILD)/integration/%: \
		$(BUILD)/obj/tests/integration/%.o $(BUILD)/obj/tests/integration/gallery_it.o $(BUILD)/obj/tests/integration/it.o \
		$(BUILD)/libidentity.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ -lcmocka $(PKG_LIBS)

$(BUILD)/bench/gallery_load $(BUILD)/bench/face_capture: $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(BUILD)/libidentity.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PKG_LIBS)

bench-face: $(addprefix $(BUILD)/bench/,face_capture face_scan gallery_load) $(BUILD)/bin/identity $(BUILD)/bin/wardctl $(BUILD)/plugins/cpu.so ## faces: capture, scan, Identify as the gallery grows; SIZES=10000,...,1000000 SEEDS=FILE
	@node tests/bench/face.mjs $(BUILD) "$(MODELS_DIR)" $(WAIT_MS)
.PHONY: bench-face
