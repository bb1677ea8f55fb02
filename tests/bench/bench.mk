# Benches: each measures Ward beside its peers, interleaved, in one run on one machine, prints ratios
# and writes build/results/<target>.json. Peers in C++ are built from the same .proto.
GEN_CC     := $(BUILD)/gen-cc
CC_PROTOS  := ward/options/v1/options.proto ward/test/v1/echo.proto
CC_STAMP   := $(GEN_CC)/.protos
CC_SOURCES := $(CC_PROTOS:%.proto=$(GEN_CC)/%.pb.cc) $(GEN_CC)/ward/test/v1/echo.grpc.pb.cc
CC_OBJECTS := $(CC_SOURCES:$(GEN_CC)/%.cc=$(BUILD)/gen-cc-obj/%.o)
CXXFLAGS_PEER := -std=c++17 -O2 -g -Wall -Wextra -I. -isystem $(GEN_CC)
BENCH_LIBS := $(PKG_LIBS) -lnghttp2 -lssl -lcrypto

$(CC_STAMP): $(addprefix proto/,ward/options/v1/options.proto) tests/proto/ward/test/v1/echo.proto tests/bench/bench.mk
	@mkdir -p $(GEN_CC)
	@protoc $(PROTO_PATH) --cpp_out=$(GEN_CC) --grpc_out=$(GEN_CC) \
		--plugin=protoc-gen-grpc=$$(command -v grpc_cpp_plugin) $(CC_PROTOS)
	@touch $@
$(CC_SOURCES): $(CC_STAMP) ;

$(BUILD)/gen-cc-obj/%.o: $(GEN_CC)/%.cc
	@mkdir -p $(@D)
	@$(CXX) -std=c++17 -O2 -g -w -I$(GEN_CC) -c $< -o $@
$(BUILD)/obj/tests/bench/%.o: tests/bench/%.cc tests/bench/echo_peer.h $(CC_STAMP)
	@mkdir -p $(@D)
	@echo "  CXX  $<"
	@$(CXX) $(CXXFLAGS_PEER) -c $< -o $@

$(BUILD)/bench/echo_callback $(BUILD)/bench/echo_sync: $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(CC_OBJECTS)
	@mkdir -p $(@D)
	@$(CXX) -o $@ $^ $$(pkg-config --libs grpc++ protobuf) -lpthread
$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(PKI_A) $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(BENCH_LIBS)

RPC_BENCH := $(addprefix $(BUILD)/bench/,echo_load echo_floor echo_callback echo_sync) $(BUILD)/tests/echo_server

bench-rpc: $(RPC_BENCH) ## echo over common/rpc beside gRPC's C++ servers; ROUNDS=5 RUN_MS=700
	@node tests/bench/rpc.mjs $(BUILD) $(or $(ROUNDS),5) $(or $(RUN_MS),700) $(WAIT_MS)

bench-load: $(BUILD)/tests/echo_server $(BUILD)/bin/wardctl ## an overloaded server: what it gets done, and for whom; SECONDS=5
	@node tests/bench/load.mjs $(BUILD) $(or $(SECONDS),5)

bench: ## every bench, one after another: they must not share the machine
	+@for b in bench-rpc bench-load bench-audit bench-face bench-records bench-dosage bench-diagnosis eval-face; do $(MAKE) --no-print-directory $$b || exit 1; done
.PHONY: bench bench-rpc bench-load

# ---- records: the service beside a bare client that runs the same statements, recorded from its handlers ----
LOAD_O := $(call obj,$(addprefix tests/bench/,h2load.c load.c sqlreplay.c))
RECORDS_LOAD_O := $(call obj,$(wildcard tests/bench/records/*.c))
$(BUILD)/bench/records_load: $(RECORDS_LOAD_O) $(LOAD_O) $(BUILD)/librecords.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -Wl,--wrap=ward_db_run,--wrap=ward_db_bulk -o $@ $^ $(BENCH_LIBS)

bench-records: $(PROGRAMS) $(BUILD)/bench/records_load ## the chart beside bare SQL, and among 5,000,000 observations; PATIENTS=100000 EACH=50 ROUNDS=3 SECONDS=8
	@node tests/bench/records.mjs $(BUILD) $(or $(PATIENTS),100000) $(or $(EACH),50) $(or $(ROUNDS),3) $(or $(SECONDS),8)
.PHONY: bench-records

# ---- dosage: checks and doses among a million orders, beside the statements alone ----
DOSAGE_LOAD_O := $(call obj,$(wildcard tests/bench/dosage/*.c))
$(BUILD)/bench/dosage_load: $(DOSAGE_LOAD_O) $(LOAD_O) $(BUILD)/libdosage.a $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -Wl,--wrap=ward_db_run,--wrap=ward_db_bulk -o $@ $^ $(BENCH_LIBS)

bench-dosage: $(PROGRAMS) $(BUILD)/bench/dosage_load $(BUILD)/bench/records_load ## checks and doses among 1,000,000 orders, open loop; PATIENTS=100000 EACH=10 SECONDS=10 ROUNDS=3
	@node tests/bench/dosage.mjs $(BUILD) $(or $(PATIENTS),100000) $(or $(EACH),10) $(or $(SECONDS),10) $(or $(ROUNDS),3)
.PHONY: bench-dosage

# ---- diagnosis: models through the service beside the models alone ----
DIAGNOSIS_LOAD_O := $(call obj,$(wildcard tests/bench/diagnosis/*.c))
$(BUILD)/bench/diagnosis_load: $(DIAGNOSIS_LOAD_O) $(call obj,$(addprefix tests/bench/,h2load.c load.c)) $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(BENCH_LIBS)

$(BUILD)/bench/isolation: $(call obj,tests/bench/isolation/isolation.c) $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PKG_LIBS)
bench-diagnosis: $(PROGRAMS) $(PLUGINS) $(BUILD)/bench/diagnosis_load $(BUILD)/bench/isolation ## models through the service beside the models bare; SECONDS=4 ROUNDS=3
	@node tests/bench/diagnosis.mjs $(BUILD) $(or $(SECONDS),4) $(or $(ROUNDS),3)
.PHONY: bench-diagnosis
