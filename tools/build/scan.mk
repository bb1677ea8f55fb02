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
