# The text extraction on its own: a library that needs nothing of records' other parts, for its
# fuzzer and its evaluation.
TEXT_A := $(BUILD)/libtext.a
$(TEXT_A): $(call obj,$(filter-out services/records/text/api_%,$(call own,services/records/text)))
	@rm -f $@; ar rcs $@ $^

$(BUILD)/bench/eval_text: $(BUILD)/obj/tests/bench/eval_text.o $(TEXT_A) $(WARD_A)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS_WARD) -o $@ $^ $(PKG_LIBS)

TEXT_TABLES := services/records/text/data
eval-text: $(BUILD)/bench/eval_text $(BUILD)/plugins/cpu.so ## the text extraction on labelled Chinese and English text, beside lexicons; SPLIT=test
	@mkdir -p build/results
	@node tests/bench/eval_text.mjs $(BUILD)/bench/eval_text $(TEXT_TABLES) "$(WARD_DATA)" build/results/eval-text.json \
		$(or $(SPLIT),test) models/text_zh/1 $(BUILD)/plugins

dictionary: ## compiles the text extraction's dictionaries again from public data
	@/usr/bin/python3 training/text_dictionary.py $(TEXT_TABLES)
.PHONY: eval-text dictionary

# A plugin that labels one word, for model_test.
ONE_WORD := $(BUILD)/tests/text/one_word.so
$(ONE_WORD): tests/text/one_word.c plugins/plugin.map plugins/include/ward/plugin.h
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) -Iplugins/include -D_GNU_SOURCE $(CFLAGS_WARD) -fPIC -fvisibility=hidden -shared $(SAN) \
		-Wl,--version-script=plugins/plugin.map -o $@ $<
$(BUILD)/test/services/records/text/model_test: | $(ONE_WORD) $(BUILD)/plugins/cpu.so
