# How sources become programs. A new service, plugin, test, fuzzer or bench is found by its folder.

# ---- generated: C from .proto, the descriptor set, embedded schemas ----
WARD_PROTOS := $(shell find proto tests/proto -name '*.proto' 2>/dev/null | sed 's,^tests/proto/,,;s,^proto/,,' | sort)
LIB_PROTOS  := google/protobuf/descriptor.proto google/protobuf/any.proto google/protobuf/duration.proto \
               google/protobuf/timestamp.proto grpc/health/v1/health.proto \
               grpc/reflection/v1/reflection.proto grpc/reflection/v1alpha/reflection.proto
PROTO_PATH  := -I proto -I tests/proto -I /usr/share/grpc-proto -I /usr/include
PROTO_C     := $(patsubst %.proto,$(G)/%.pb-c.c,$(WARD_PROTOS) $(LIB_PROTOS))
PROTO_STAMP := $(G)/.protos
SET         := $(G)/ward.protoset

$(PROTO_STAMP): $(shell find proto tests/proto -name '*.proto' 2>/dev/null) tools/build/rules.mk
	@rm -rf $(G)/.new && mkdir -p $(G)/.new
	@for f in $(WARD_PROTOS) $(LIB_PROTOS); do protoc-c $(PROTO_PATH) --c_out=$(G)/.new $$f || exit 1; done
	@cd $(G)/.new && find . -type f | while read -r f; do cmp -s $$f ../$$f || { mkdir -p ../$${f%/*} && mv $$f ../$$f; }; done; rm -rf ../.new
	@protoc $(PROTO_PATH) --include_imports --descriptor_set_out=$(SET) $(WARD_PROTOS) $(LIB_PROTOS)
	@touch $@
$(PROTO_C) $(PROTO_C:.c=.h) $(SET): $(PROTO_STAMP) ;

$(G)/protoset.c: $(SET) tools/embed
	@tools/embed descriptors $(SET) >$@
SCHEMAS := $(patsubst services/%/schema,%,$(wildcard services/*/schema)) common keyring
schema_dir = $(if $(filter common,$1),common/db/schema,$(if $(filter keyring,$1),common/keyring/schema,services/$1/schema))
define schema_rule
$(G)/schema_$1.c: $(wildcard $(call schema_dir,$1)/*.sql) tools/embed
	@mkdir -p $(G)
	@tools/embed schema $1 $(call schema_dir,$1) >$$@
endef
$(foreach s,$(SCHEMAS),$(eval $(call schema_rule,$s)))

# The reasons of errors: common/reasons.txt and each service's own.
REASONS := common/reasons.txt $(wildcard services/*/reasons.txt)
$(G)/reasons.c: $(REASONS) tools/embed
	@mkdir -p $(G)
	@tools/embed reasons $(REASONS) >$@

$(G)/pinyin.c: common/unicode/pinyin.txt tools/embed
	@mkdir -p $(G)
	@tools/embed text ward_pinyin_table $< >$@

# ---- objects: -MD, not -MMD, because generated headers are system headers to the compiler ----
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$1)
own = $(filter-out %_test.c,$(wildcard $1/*.c))

$(BUILD)/obj/%.o: %.c | $(PROTO_STAMP)
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CPPFLAGS_WARD) $(CFLAGS_WARD) -fPIC $(PKG_CFLAGS) $(EXTRA_CFLAGS) -MD -MP -c $< -o $@
# Unit tests run for milliseconds: optimizing them costs minutes and gains nothing.
$(BUILD)/obj/%_test.o: EXTRA_CFLAGS += -O0
# Generated code is compiled without our warnings.
$(BUILD)/gen-obj/%.o: $(G)/%.c | $(PROTO_STAMP)
	@mkdir -p $(@D)
	@$(CC) -I. -I$(G) -std=gnu11 $(OPT) -g -w -fPIC $(SAN) $(PKG_CFLAGS) -MMD -MP -c $< -o $@

VERSION_C := $(G)/version.c
$(VERSION_C): FORCE
	@mkdir -p $(G)
	@echo '#include "common/app/version.h"' >$@.new; echo 'const char ward_version[] = "$(VERSION)";' >>$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
FORCE: ;
.PHONY: FORCE

COMMON_C  := $(foreach d,base base/x509 merkle measure json unicode zone auth rpc rpc/load rpc/h2 trace db bus host worker serve image scan vault handler keyring app app/doctor,$(call own,common/$d))
COMMON_O  := $(call obj,$(COMMON_C)) \
             $(patsubst $(G)/%.c,$(BUILD)/gen-obj/%.o,$(PROTO_C) $(G)/protoset.c $(VERSION_C) \
               $(G)/schema_common.c $(G)/schema_keyring.c $(G)/reasons.c $(G)/pinyin.c)
WARD_A    := $(BUILD)/libward.a
$(WARD_A): $(COMMON_O)
	@rm -f $@; ar rcs $@ $^

# ---- services: build/bin/<svc> ----
SERVICES := $(patsubst services/%/main.c,%,$(wildcard services/*/main.c))
svc_src   = $(filter-out services/$1/main.c,$(call own,services/$1) $(foreach d,$(wildcard services/$1/*/),$(call own,$(d:/=))))
define service_rule
$(BUILD)/lib$1.a: $(call obj,$(call svc_src,$1)) $(if $(wildcard services/$1/schema),$(BUILD)/gen-obj/schema_$1.o)
	@rm -f $$@; ar rcs $$@ $$^
$(BUILD)/bin/$1: $(call obj,services/$1/main.c) $(BUILD)/lib$1.a $(WARD_A)
	@mkdir -p $$(@D)
	@echo "  LD   $$@"
	@$(CC) $(LDFLAGS_WARD) -o $$@ $$^ $$(PROGRAM_LIBS)
endef
$(foreach s,$(patsubst services/%/,%,$(wildcard services/*/)),$(eval $(call service_rule,$s)))

# ---- wardctl ----
CLI_C := $(call own,cli) $(foreach d,$(filter-out cli/pki/,$(wildcard cli/*/)),$(call own,$(d:/=)))
# The development certificate authority: for wardctl and for tests, and in no service.
PKI_A := $(BUILD)/libpki.a
$(PKI_A): $(call obj,$(call own,cli/pki))
	@rm -f $@; ar rcs $@ $^
$(BUILD)/libcli.a: $(call obj,$(filter-out cli/main.c,$(CLI_C)))
	@rm -f $@; ar rcs $@ $^
$(BUILD)/bin/wardctl: $(call obj,$(CLI_C)) $(PKI_A) $(WARD_A)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PROGRAM_LIBS)

# ---- plugins: build/plugins/<name>.so; plugins/<name>/plugin.mk may add <name>_C, _CFLAGS, _LIBS ----
PLUGIN_NAMES := $(filter-out include ort,$(patsubst plugins/%/,%,$(wildcard plugins/*/)))
-include $(wildcard plugins/*/plugin.mk)
PLUGIN_OBJ    = $(patsubst %.c,$(BUILD)/plugin-obj/$1/%.o,$(call own,plugins/$1) $($1_C)) \
                $(patsubst %.cc,$(BUILD)/plugin-obj/$1/%.o,$(wildcard plugins/$1/*.cc))
define plugin_rule
$(BUILD)/plugin-obj/$1/%.o: %.c
	@mkdir -p $$(@D)
	@echo "  CC   $$< ($1)"
	@$(CC) -Iplugins/include -I. -D_GNU_SOURCE $(CFLAGS_WARD) -fPIC -fvisibility=hidden $$($1_CFLAGS) -MD -MP -c $$< -o $$@
$(BUILD)/plugin-obj/$1/%.o: %.cc
	@mkdir -p $$(@D)
	@echo "  CXX  $$< ($1)"
	@$(CXX) -std=c++17 $(OPT) -g -Wall -Wextra -Werror $(SAN) -Iplugins/include -fPIC -fvisibility=hidden $$($1_CFLAGS) -MD -MP -c $$< -o $$@
$(BUILD)/plugins/$1.so: $(call PLUGIN_OBJ,$1) plugins/plugin.map
	@mkdir -p $$(@D)
	@echo "  LD   $$@"
	@$(CC) -shared $(LDFLAGS_WARD) -Wl,--version-script=plugins/plugin.map $(if $(SAN),,-Wl$(,)-z$(,)defs) -o $$@ $(call PLUGIN_OBJ,$1) $$($1_LIBS) -lm
endef
, := ,
$(foreach p,$(PLUGIN_NAMES),$(if $(call own,plugins/$p),$(eval $(call plugin_rule,$p))))
PLUGINS  := $(foreach p,$(PLUGIN_NAMES),$(if $(call own,plugins/$p),$(BUILD)/plugins/$p.so))
PROGRAMS := $(patsubst %,$(BUILD)/bin/%,$(SERVICES)) $(if $(wildcard cli/main.c),$(BUILD)/bin/wardctl)

# ---- what the text extraction reads: build/text ----
TEXT_DATA := $(patsubst services/records/text/data/%,$(BUILD)/text/%,$(wildcard services/records/text/data/*.tsv))
$(BUILD)/text/%.tsv: services/records/text/data/%.tsv
	@mkdir -p $(@D)
	@cp $< $@
$(BUILD)/bin/records: | $(TEXT_DATA)

# ---- unit tests: <folder>/x_test.c -> build/test/<folder>/x_test ----
UNIT_C := $(shell find common services cli -name '*_test.c' 2>/dev/null | sort)
UNIT   := $(patsubst %.c,$(BUILD)/test/%,$(UNIT_C))
# Some 250 programs are linked for them: with a linker that is quick, where there is one.
QUICK_LD := $(if $(SAN),,$(firstword $(foreach l,gold lld,$(if $(shell command -v ld.$l),-fuse-ld=$l))))
svc_of  = $(if $(filter services/%,$1),$(BUILD)/lib$(word 2,$(subst /, ,$1)).a)$(if $(filter cli/%,$1),$(BUILD)/libcli.a)
define unit_rule
$(BUILD)/test/$(1:.c=): $(call obj,$1) $(call svc_of,$1) $(PKI_A) $(WARD_A)
	@mkdir -p $$(@D)
	@$(CC) $(LDFLAGS_WARD) $(QUICK_LD) -o $$@ $$^ -lcmocka $(PKG_LIBS)
endef
$(foreach t,$(UNIT_C),$(eval $(call unit_rule,$t)))

# ---- programs that tests need: tests/tools/<name>.c, or tests/tools/<name>/*.c -> build/tests/<name> ----
TOOLS := $(patsubst tests/tools/%.c,$(BUILD)/tests/%,$(wildcard tests/tools/*.c))
TOOLS += $(BUILD)/examples/journey
$(BUILD)/tests/%: $(BUILD)/obj/tests/tools/%.o $(PKI_A) $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ -lcmocka $(PKG_LIBS)

# Before a command that runs tests; needs nothing of Ward's, so that it is there before the build.
HOLD := $(BUILD)/tests/hold_ports
$(HOLD): tests/tools/hold_ports.c
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS_WARD) $(CFLAGS_WARD) -o $@ $<

# ---- benches: tests/bench/<name>.c and peers in C++ <name>.cc -> build/bench/<name> ----
BENCH := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c)) \
         $(patsubst tests/bench/%.cc,$(BUILD)/bench/%,$(wildcard tests/bench/*.cc))
-include tests/bench/bench.mk

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.SECONDARY:
.DELETE_ON_ERROR:
