"""Writes tests/models/kinds/1: a graph that gives back what it was sent, one input and output for each element type, and twice `x`.

/usr/bin/python3 tests/models/kinds.py    (Debian's python3-onnx; building and testing Ward does not need it)
"""
import hashlib
import json
import os

from onnx import TensorProto, checker, helper

TYPES = {
    "bool": TensorProto.BOOL, "uint8": TensorProto.UINT8, "uint16": TensorProto.UINT16, "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64, "int8": TensorProto.INT8, "int16": TensorProto.INT16, "int32": TensorProto.INT32,
    "int64": TensorProto.INT64, "fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16, "fp64": TensorProto.DOUBLE,
    "bytes": TensorProto.STRING,
}


def main():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kinds", "1")
    nodes = [helper.make_node("Add", ["x", "x"], ["twice"])]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])]
    outputs = [helper.make_tensor_value_info("twice", TensorProto.FLOAT, ["n", 4])]
    for name, kind in TYPES.items():
        nodes.append(helper.make_node("Identity", [name], [f"{name}_back"]))
        inputs.append(helper.make_tensor_value_info(name, kind, ["n", 3]))
        outputs.append(helper.make_tensor_value_info(f"{name}_back", kind, ["n", 3]))
    graph = helper.make_graph(nodes, "kinds", inputs, outputs)
    model = helper.make_model(graph, producer_name="tests/models/kinds.py", opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    checker.check_model(model)
    weights = model.SerializeToString(deterministic=True)
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/model.onnx", "wb") as f:
        f.write(weights)
    manifest = {
        "format": 1, "name": "kinds", "version": "1",
        "intended_use": "Tests of the Open Inference Protocol: it gives back what it was sent.",
        "file": "model.onnx", "sha256": hashlib.sha256(weights).hexdigest(), "devices": ["cpu"], "fallback": "deny",
        "input": {"kind": "tensors", "tensor": "x", "shape": [1, 4]},
        "known": {"lo": 0, "hi": 1, "output": "twice", "stride": 1, "want": [0.63318706], "tolerance": 1e-4},
    }
    with open(f"{folder}/manifest.json", "w") as f:
        f.write(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
