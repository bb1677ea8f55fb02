# wardctl's embedded files, the demo, contract and journey tests, and `make test` over all tiers.

LOCAL_FILES := $(sort $(wildcard deploy/local/*.cnf deploy/local/*.env services/*/local.env))
$(G)/local.c: $(LOCAL_FILES) tools/embed
	@mkdir -p $(G)
	@tools/embed local $(LOCAL_FILES) >$@
$(BUILD)/libcli.a $(BUILD)/bin/wardctl: $(BUILD)/gen-obj/local.o

# Where the machine lacks something, deps comes first; it takes half a second when nothing is missing.
ready: ; @tools/deps

CONTRACT := $(sort $(wildcard tests/contract/*/*.test.js))
contract: $(PROGRAMS) $(PLUGINS) $(TOOLS) $(VIRTUAL_NPU) $(FAULTS) ## every line of the .proto comments, by a client that is not ours
	@BUILD=$(BUILD) $(HOLD) tools/run-node $(CONTRACT)

JOURNEY := $(sort $(wildcard tests/journey/*.test.js))
journey: $(PROGRAMS) $(PLUGINS) $(TOOLS) $(BUILD)/packages/.made ## the embedded default, whole, with its processes killed
	@BUILD=$(BUILD) $(HOLD) tools/run-node $(JOURNEY)

# Both at once, those that take minutes first, so that no core waits for the last of them.
SLOW   := $(filter %due_follow.test.js %kill.test.js %search_large.test.js %bedside.test.js %race.test.js %mutants.test.js %tamper.test.js %away.test.js %demo.test.js %journey/up.test.js %journey/alert.test.js,$(JOURNEY) $(CONTRACT))
SYSTEM := $(SLOW) $(filter-out $(SLOW),$(JOURNEY) $(CONTRACT))
system: $(PROGRAMS) $(PLUGINS) $(TOOLS) $(VIRTUAL_NPU) $(FAULTS) $(BUILD)/packages/.made ## contract and journey tests
	@BUILD=$(BUILD) ALONE='$(SLOW)' $(HOLD) tools/run-node $(SYSTEM)

demo: ready ## the main job, on real photographs, printed
	@$(MAKE) --no-print-directory $(PROGRAMS) $(PLUGINS) $(TOOLS)
	@BUILD=$(BUILD) node deploy/local/demo.js

soak: ready ## all rounds of the kill -9 tests and of races, which `make test` runs three of: ROUNDS=n SEED=n
	@$(MAKE) --no-print-directory $(PROGRAMS) $(PLUGINS) $(TOOLS)
	@BUILD=$(BUILD) SOAK=1 TIMEOUT_S=7200 $(HOLD) tools/run-node $(filter %kill.test.js %administer_race.test.js,$(CONTRACT) $(JOURNEY))

TIERS ?= lint-quick unit plugin-test integration chart-test system fuzz-replay
test: ready $(HOLD) ## everything a change must pass, in build/results/test.json too; the last line says how many passed
	+@$(HOLD) tools/test-all build $(TIERS)
.PHONY: ready contract journey system demo soak test
