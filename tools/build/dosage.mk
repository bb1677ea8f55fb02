# Programs of dosage's tests: what they need beside common/.
$(BUILD)/tests/check_run: $(BUILD)/obj/tests/tools/check_run.o $(BUILD)/libdosage.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PKG_LIBS)
