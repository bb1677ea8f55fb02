# What tests of plugins need beside what rules.mk finds by itself.
$(BUILD)/test/common/host/backend_test: | $(BUILD)/plugins/mean.so
$(BUILD)/test/services/identity/face_test: | $(BUILD)/plugins/cpu.so
