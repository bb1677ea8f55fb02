# How well people who were registered twice are found: needs records' library, not a database.
$(BUILD)/bench/score_duplicates: $(BUILD)/obj/tests/bench/score_duplicates.o $(BUILD)/librecords.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PKG_LIBS)

eval-duplicates: $(BUILD)/bench/score_duplicates ## who was registered twice, with the errors that clerks make
	@mkdir -p build/results
	@node tests/bench/eval_duplicates.mjs $< "$(WARD_DATA)" build/results/eval-duplicates.json
.PHONY: eval-duplicates
