# Fuzzers: tests/fuzz/<name>.c -> $(BUILD)/fuzzers/<name>, with everything below them, in a build of
# their own (clang; libFuzzer, ASan, UBSan). In a fuzzer's comments
#   links: audit cli     also links libaudit.a and libcli.a
#   max_len: 65536       bytes of the longest input; 4096 where it does not say
# tests/fuzz/corpus/<name>/ holds inputs to start from.
FUZZ_TIME := $(if $(TIME),$(TIME),20)
FUZZ_SAN  := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_C    := $(if $(FUZZ),$(FUZZ:%=tests/fuzz/%.c),$(wildcard tests/fuzz/*.c))
FUZZERS   := $(FUZZ_C:tests/fuzz/%.c=$(BUILD)/fuzzers/%)

fuzz_links = $(patsubst %,$(BUILD)/lib%.a,$(shell sed -n 's/.*links: *\([a-z ]*\).*/\1/p' tests/fuzz/$1.c))
define fuzz_rule
$(BUILD)/fuzzers/$1: $(call obj,tests/fuzz/$1.c) $(call fuzz_links,$1) $(WARD_A)
	@mkdir -p $$(@D)
	@$(CC) $(LDFLAGS_WARD) -fsanitize=fuzzer -o $$@ $$^ $(PKG_LIBS)
endef
$(foreach f,$(FUZZ_C:tests/fuzz/%.c=%),$(eval $(call fuzz_rule,$f)))

# The header reader of plugins/dicom, without GDCM.
DICOM_READER := $(call obj,$(patsubst %,plugins/dicom/%.c,header values judge frame colour))
$(BUILD)/fuzzers/dicom $(BUILD)/replay/dicom: $(DICOM_READER)
$(BUILD)/fuzzers/dicom $(BUILD)/replay/dicom: PKG_LIBS += -lz

# Every service of every .proto, for wire_request.c: SERVICES is a list of their descriptors.
$(G)/fuzz_services.h: $(PROTO_STAMP)
	@cd $(G); f=$$(grep -rl --include='*.pb-c.h' '^extern const ProtobufCServiceDescriptor' . | sort); \
	{ sed 's,^./\(.*\),#include <\1>,' <<<"$$f"; echo '#define SERVICES \'; \
	  sed -n 's/^extern const ProtobufCServiceDescriptor \(.*\);/    \&\1, \\/p' $$f; echo; } >$(@F)
$(BUILD)/obj/tests/fuzz/wire_request.o: $(G)/fuzz_services.h

fuzzers: $(FUZZERS)
fuzz: ## every parser a caller can reach: TIME=20 seconds each, FUZZ=name for one
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang SAN="$(FUZZ_SAN)" fuzzers
	@tools/run-fuzzers $(FUZZ_TIME) $(FUZZERS:$(BUILD)/%=$(BUILD)/fuzz/%)
# The same targets in the build that is there already, with a main of their own: seconds, where a build
# with libFuzzer and sanitizers takes minutes.
REPLAYS := $(FUZZ_C:tests/fuzz/%.c=$(BUILD)/replay/%)
define replay_rule
$(BUILD)/replay/$1: $(call obj,tests/fuzz/$1.c tests/fuzz/replay/replay.c) $(call fuzz_links,$1) $(WARD_A)
	@mkdir -p $$(@D)
	@$(CC) $(LDFLAGS_WARD) -o $$@ $$^ $(PKG_LIBS)
endef
$(foreach f,$(FUZZ_C:tests/fuzz/%.c=%),$(eval $(call replay_rule,$f)))
fuzz-replay: $(REPLAYS) ## each fuzzer's corpus once, and inputs that brought a fuzzer down before; `make fuzz TIME=replay` does it with sanitizers
	@tools/replay-fuzzers $(BUILD)/fuzz/fuzzers $(REPLAYS)
.PHONY: fuzz fuzzers fuzz-replay
