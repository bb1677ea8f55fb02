# Uses the sources and the ONNX Runtime of the cpu back end; see plugins/cpu/plugin.mk.
gpu_C       = $(cpu_C)
gpu_CFLAGS  = $(cpu_CFLAGS)
gpu_LIBS    = $(cpu_LIBS)
