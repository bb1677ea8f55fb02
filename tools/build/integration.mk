# Tests that need a database: tests/integration/<name>_test.c -> build/integration/<name>_test, run
# beside a throwaway MariaDB on a unix socket. make integration INTEGRATION_ONLY=db_test runs one.
INTEGRATION_C := $(wildcard tests/integration/*_test.c)
INTEGRATION   := $(patsubst tests/integration/%.c,$(BUILD)/integration/%,$(INTEGRATION_C))
ifdef INTEGRATION_ONLY
INTEGRATION   := $(patsubst %,$(BUILD)/integration/%,$(INTEGRATION_ONLY))
endif

$(BUILD)/integration/%: $(BUILD)/obj/tests/integration/%.o $(BUILD)/obj/tests/integration/it.o $(PKI_A) $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ -lcmocka $(PKG_LIBS)

# Those of a service's own tables link the service too.
INTEGRATION_OF_IDENTITY := $(filter $(patsubst %,$(BUILD)/integration/%_test,keys rotation token),$(INTEGRATION))
$(INTEGRATION_OF_IDENTITY): $(BUILD)/integration/%: $(BUILD)/obj/tests/integration/%.o $(BUILD)/obj/tests/integration/it.o \
                            $(BUILD)/obj/tests/integration/it_identity.o $(BUILD)/libidentity.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ -lcmocka $(PKG_LIBS)

integration: $(INTEGRATION) $(HOLD) ## tests of common/ that need a database: a private, throwaway MariaDB
	@$(HOLD) tests/tools/with-db tools/run-tests $(INTEGRATION)
.PHONY: integration
