# Uses the sources and the ONNX Runtime of the cpu back end; see plugins/cpu/plugin.mk.
npu_C       = $(cpu_C)
npu_CFLAGS  = $(cpu_CFLAGS)
npu_LIBS    = $(cpu_LIBS)
