# The same sources and ONNX Runtime as the cpu back end: plugins/cpu/plugin.mk.
npu_C       = $(cpu_C)
npu_CFLAGS  = $(cpu_CFLAGS)
npu_LIBS    = $(cpu_LIBS)
