# clang's static analyzer, a stamp a file: tools/lint runs this. A stamp's .d names what the file includes.
BUILD ?= build
include tools/build/packages.mk
G     := $(BUILD)/gen
FILES := $(shell git ls-files -co --exclude-standard 'common/*.c' 'services/*.c' 'cli/*.c' 'plugins/*.c' | sort)
STAMPS := $(patsubst %,$(BUILD)/lint/%.analyzed,$(FILES))
ORT   := $(if $(ORT_HOME),$(ORT_HOME),$(BUILD)/ort)
FLAGS  = -std=c11 -I. -Iplugins/include -isystem $(G) -isystem $(ORT)/include -D_GNU_SOURCE $(PKG_CFLAGS)

all: $(STAMPS)
tidy-flags: ; @echo '$(FLAGS)'

$(BUILD)/lint/%.analyzed: % .clang-tidy
	@mkdir -p $(@D)
	@clang $(subst -isystem $(G),-I$(G),$(FLAGS)) -MM -MP -MT $@ -MF $@.d $<
	@out=$$(clang-tidy --quiet '--checks=-*,clang-analyzer-*,$(NOT_ANALYZED)' $< -- $(FLAGS) 2>&1) || \
		{ echo "$$out" | grep -vE 'warnings? generated|^Suppressed|^Use -'; exit 1; }
	@touch $@

# What .clang-tidy leaves out of the analyzer, said again: --checks begins anew with -*.
NOT_ANALYZED := $(shell sed -n 's/^ *\(-clang-analyzer-[A-Za-z.]*\),*$$/\1/p' .clang-tidy | paste -sd,)
-include $(STAMPS:=.d)
.PHONY: all tidy-flags
