"""Reading TensorFlow.js weights: a manifest and the binary files it lists."""

import os

import numpy as np

STORED = {"uint8": np.uint8, "uint16": np.uint16, "float16": np.float16}
MEANT = {"float32": np.float32, "int32": np.int32}


def one(buffer, at, weight):
    """The weight that begins at byte `at`, and where the next begins."""
    count = int(np.prod(weight["shape"], dtype=np.int64))
    meant = MEANT[weight["dtype"]]
    quantization = weight.get("quantization")
    stored = STORED[quantization["dtype"]] if quantization else meant
    values = np.frombuffer(buffer, np.dtype(stored).newbyteorder("<"), count, at)
    end = at + values.nbytes
    if quantization and stored is not np.float16:
        values = values.astype(np.float32) * np.float32(quantization["scale"]) + np.float32(
            quantization["min"]
        )
    return values.astype(meant).reshape(weight["shape"]), end


def weights(manifest, folder):
    """Every weight by its name. The files must be exactly as long as the manifest says."""
    found = {}
    for group in manifest:
        buffer = b"".join(
            open(os.path.join(folder, path), "rb").read() for path in group["paths"]
        )
        at = 0
        for weight in group["weights"]:
            found[weight["name"]], at = one(buffer, at, weight)
        if at != len(buffer):
            raise SystemExit("%s: %d bytes, want %d" % (group["paths"], len(buffer), at))
    return found
