# The attacks on common/rpc's server: tests/abuse. tests/contract/rpc/abuse.test.js makes them small; abuse-test makes them
# as large as the ones that stopped gRPC's core.
ABUSE_C := $(wildcard tests/abuse/*.c)
$(BUILD)/tests/abuse: $(call obj,$(ABUSE_C))
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ -lssl -lcrypto -lpthread
TOOLS += $(BUILD)/tests/abuse

# gRPC's C++ client, for tests/contract/rpc/interop.test.js.
$(BUILD)/obj/tests/contract/rpc/interop.o: tests/contract/rpc/interop.cc $(CC_STAMP)
	@mkdir -p $(@D)
	@echo "  CXX  $<"
	@$(CXX) $(CXXFLAGS_PEER) -c $< -o $@
$(BUILD)/tests/interop: $(BUILD)/obj/tests/contract/rpc/interop.o $(CC_OBJECTS)
	@mkdir -p $(@D)
	@$(CXX) -o $@ $^ $$(pkg-config --libs grpc++ protobuf) -lpthread
TOOLS += $(BUILD)/tests/interop

abuse-test: $(BUILD)/tests/abuse $(BUILD)/tests/echo_server $(BUILD)/bin/wardctl ## every attack at full size, into build/results/abuse.json; some 4 min
	@BUILD=$(BUILD) node tests/contract/rpc/abuse.mjs
.PHONY: abuse-test
