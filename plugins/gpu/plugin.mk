# The same sources and ONNX Runtime as the cpu back end: plugins/cpu/plugin.mk.
gpu_C       = $(cpu_C)
gpu_CFLAGS  = $(cpu_CFLAGS)
gpu_LIBS    = $(cpu_LIBS)
