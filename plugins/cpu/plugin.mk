# ONNX Runtime. tools/fetch-models puts it into build/ort; ORT_HOME names another release (include/, lib/).
ORT        := $(if $(ORT_HOME),$(ORT_HOME),build/ort)
cpu_C      := $(wildcard plugins/ort/*.c)
cpu_CFLAGS := -isystem $(ORT)/include
cpu_LIBS    = -L$(ORT)/lib -l:libonnxruntime.so.1 $(if $(ORT_HOME),,-Wl$(,)-rpath$(,)'$$ORIGIN/../ort/lib') -Wl,-rpath,$(abspath $(ORT))/lib
