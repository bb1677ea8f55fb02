# clang-tidy and cppcheck, a stamp a file: tools/lint runs this.
include tools/build/packages.mk
BUILD ?= build
G     := $(BUILD)/gen
FILES := $(shell git ls-files -co --exclude-standard 'common/*.c' 'services/*.c' 'cli/*.c' 'plugins/*.c' | sort)
TIDY  := $(patsubst %,$(BUILD)/lint/%.tidy,$(FILES))
CPPC  := $(patsubst %,$(BUILD)/lint/%.cppcheck,$(FILES))
ORT   := $(if $(ORT_HOME),$(ORT_HOME),$(BUILD)/ort)

all: $(TIDY) $(CPPC)

HEADERS := $(shell git ls-files -co --exclude-standard '*.h')
$(BUILD)/lint/%.tidy: % .clang-tidy $(HEADERS)
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- -std=c11 -I. -Iplugins/include -isystem $(G) -isystem $(ORT)/include -D_GNU_SOURCE $(PKG_CFLAGS) 2>$@.err >$@.out || \
		{ cat $@.out; grep -vE 'warnings? generated|^Suppressed|^Use -' $@.err; exit 1; }
	@touch $@

$(BUILD)/lint/%.cppcheck: % $(HEADERS)
	@mkdir -p $(@D)
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem --suppress=legacyUninitvar --suppress=nullPointerRedundantCheck --suppress=normalCheckLevelMaxBranches \
		-D_GNU_SOURCE -I. -Iplugins/include $< 
	@touch $@
.PHONY: all
