# The audit log's bench, and its tests that need a database.
bench-audit: $(BUILD)/bench/audit_load $(BUILD)/bin/audit $(BUILD)/bin/wardctl ## the audit log beside bare inserts; ROUNDS=3 SECONDS=5
	@node tests/bench/audit.mjs $(BUILD) $(or $(ROUNDS),3) $(or $(SECONDS),5) $(WAIT_MS)
bench: bench-audit

$(BUILD)/integration/audit_test: $(BUILD)/obj/tests/integration/audit_test.o $(BUILD)/obj/tests/integration/it.o \
		$(BUILD)/libaudit.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ -lcmocka $(PKG_LIBS)
.PHONY: bench-audit
