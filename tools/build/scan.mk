# The scan's bench, and its kernels for a processor that this machine is not: between rules.mk and
# check.mk, because what it adds to UNIT is a prerequisite of `unit`.

# kernel_test for aarch64, a script for tools/run-tests that has qemu-user run it.
CROSS     := aarch64-linux-gnu-gcc
CROSS_RUN := qemu-aarch64 -L /usr/aarch64-linux-gnu
NEON_C    := $(wildcard common/scan/kernel*.c) common/scan/quantise.c common/base/status.c
NEON      := $(BUILD)/test/common/scan/kernel_neon_test
ifneq ($(shell uname -m),aarch64)
UNIT      += $(NEON)
endif

$(NEON).aarch64: $(NEON_C) $(wildcard common/scan/*.h common/scan/cross/*.h) common/base/status.h tools/build/scan.mk
	@mkdir -p $(@D)
	@echo "  CC   $@"
	@$(CROSS) -Icommon/scan/cross -I. -D_GNU_SOURCE -std=c11 $(OPT) -g $(WARN) -o $@ $(NEON_C) -lm
$(NEON): $(NEON).aarch64
	@printf '#!/bin/sh\nexec %s %s\n' '$(CROSS_RUN)' $< >$@
	@chmod +x $@

scan-neon: $(NEON) ## the NEON kernels, by qemu-user
	@tools/run-tests $(NEON)
.PHONY: scan-neon

# The bench, FAISS's index in it as the peer.
FACE_SCAN := $(BUILD)/bench/face_scan
$(BUILD)/obj/tests/bench/faiss_peer.o: tests/bench/faiss_peer.cc tests/bench/faiss_peer.h
	@mkdir -p $(@D)
	@echo "  CXX  $<"
	@$(CXX) -std=c++17 -O2 -g -Wall -Wextra -I. -fopenmp -c $< -o $@
$(FACE_SCAN): $(patsubst %,$(BUILD)/obj/tests/bench/%.o,face_scan face_scan_truth faiss_peer) $(WARD_A)
	@mkdir -p $(@D)
	@$(CXX) -fopenmp -o $@ $^ -lfaiss -llapack -lblas $(PKG_LIBS)

bench-scan: $(FACE_SCAN) ## 1:N over 1,000,000 templates beside FAISS's exact index; SEEDS=FILE ROWS=1000000 QUERIES=200
	@mkdir -p build/results
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(FACE_SCAN) $(if $(SEEDS),--seeds $(SEEDS)) \
		--rows $(or $(ROWS),1000000) --queries $(or $(QUERIES),200) build/results/bench-scan.json
.PHONY: bench-scan
