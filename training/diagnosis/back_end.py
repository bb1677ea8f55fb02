"""Runs an ONNX file on a back end of this project, through plugins/include/ward/plugin.h.

    with BackEnd("build/plugins/cpu.so", "models/chest/1/model.onnx") as model:
        outputs = model.run({"image": pixels})

What it computes is what the service computes: the same library, the same thread settings.
"""
import ctypes as c
import hashlib

import numpy as np

DTYPES = {1: np.uint8, 2: np.int32, 3: np.int64, 4: np.float32}
NUMBERS = {np.dtype(v): k for k, v in DTYPES.items()}


class Tensor(c.Structure):
    _fields_ = [("name", c.c_char_p), ("dtype", c.c_uint32), ("rank", c.c_uint32), ("shape", c.c_int64 * 8),
                ("data", c.c_void_p), ("nbytes", c.c_uint64)]


class Err(c.Structure):
    _fields_ = [("msg", c.c_char * 192)]


LOG = c.CFUNCTYPE(None, c.c_void_p, c.c_int, c.c_char_p)
METRIC = c.CFUNCTYPE(None, c.c_void_p, c.c_char_p, c.c_double)
OPTION = c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_char_p)
ALLOC = c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_uint64)
CANCELLED = c.CFUNCTYPE(c.c_int, c.c_void_p)


class Host(c.Structure):
    _fields_ = [("size", c.c_uint32), ("major", c.c_uint32), ("minor", c.c_uint32), ("ctx", c.c_void_p), ("log", LOG),
                ("metric", METRIC), ("option", OPTION)]


class Spec(c.Structure):
    _fields_ = [("size", c.c_uint32), ("threads", c.c_uint32), ("name", c.c_char_p), ("dir", c.c_char_p),
                ("data", c.c_char_p), ("nbytes", c.c_uint64), ("sha256", c.c_char * 65)]


class Run(c.Structure):
    _fields_ = [("size", c.c_uint32), ("n_in", c.c_uint32), ("n_out", c.c_uint32), ("cap_out", c.c_uint32),
                ("inputs", c.POINTER(Tensor)), ("outputs", c.POINTER(Tensor)), ("ctx", c.c_void_p), ("alloc", ALLOC),
                ("cancelled", CANCELLED)]


P, PP, E = c.c_void_p, c.POINTER(c.c_void_p), c.POINTER(Err)


class Plugin(c.Structure):
    _fields_ = [("size", c.c_uint32), ("major", c.c_uint32), ("minor", c.c_uint32), ("zero", c.c_uint32),
                ("name", c.c_char_p), ("version", c.c_char_p),
                ("open", c.CFUNCTYPE(c.c_int, c.POINTER(Host), PP, E)), ("close", c.CFUNCTYPE(None, P)),
                ("devices", P), ("model_load", c.CFUNCTYPE(c.c_int, P, c.POINTER(Spec), PP, E)), ("model_info", P),
                ("model_free", c.CFUNCTYPE(None, P)), ("instance_new", c.CFUNCTYPE(c.c_int, P, c.c_int32, PP, E)),
                ("run", c.CFUNCTYPE(c.c_int, P, c.POINTER(Run), E)), ("instance_free", c.CFUNCTYPE(None, P))]


class BackEnd:
    def __init__(self, library, path):
        self.lib = c.CDLL(library)
        self.lib.ward_plugin_entry.restype = c.POINTER(Plugin)
        self.table = self.lib.ward_plugin_entry().contents
        self.host = Host(c.sizeof(Host), 1, 1, None, LOG(lambda *_: None), METRIC(lambda *_: None), OPTION(lambda *_: None))
        self.plugin, self.model, self.instance, self.err = P(), P(), P(), Err()
        with open(path, "rb") as f:
            self.weights = f.read()
        spec = Spec(c.sizeof(Spec), 1, b"model", None, self.weights, len(self.weights),
                    hashlib.sha256(self.weights).hexdigest().encode())
        self.check(self.table.open(self.host, self.plugin, self.err))
        self.check(self.table.model_load(self.plugin, spec, self.model, self.err))
        self.check(self.table.instance_new(self.model, -1, self.instance, self.err))

    def check(self, code):
        if code != 0:
            raise RuntimeError(f"plugin: {code}: {self.err.msg.decode()}")

    def run(self, inputs):
        """{name: array} in, {name: array} out."""
        kept, given = [], (Tensor * len(inputs))()
        for t, (name, array) in zip(given, inputs.items()):
            array = np.ascontiguousarray(array)
            room = np.empty(array.nbytes + 64, dtype=np.uint8)
            start = -room.ctypes.data % 64
            room[start:start + array.nbytes] = array.view(np.uint8).reshape(-1)
            kept.append(room)
            t.name, t.dtype, t.rank = name.encode(), NUMBERS[array.dtype], array.ndim
            t.shape[:array.ndim] = array.shape
            t.data, t.nbytes = room.ctypes.data + start, array.nbytes

        def alloc(_, nbytes):
            room = np.zeros(nbytes + 64, dtype=np.uint8)
            kept.append(room)
            return room.ctypes.data + -room.ctypes.data % 64

        out = (Tensor * 8)()
        run = Run(c.sizeof(Run), len(inputs), 0, 8, given, out, None, ALLOC(alloc), CANCELLED(lambda _: 0))
        self.check(self.table.run(self.instance, run, self.err))
        result = {}
        for t in out[:run.n_out]:
            flat = (c.c_char * t.nbytes).from_address(t.data)
            result[t.name.decode()] = np.frombuffer(flat, DTYPES[t.dtype]).reshape(t.shape[:t.rank]).copy()
        return result

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for free, what in ((self.table.instance_free, self.instance), (self.table.model_free, self.model),
                           (self.table.close, self.plugin)):
            if what:
                free(what)
