#!/usr/bin/python3
# tiny - writes the model the device tests run: elementwise nodes that the virtual NPU takes, and a
# ReduceMean between them that it leaves to the CPU.   tiny.py OUT.onnx
import sys

from onnx import TensorProto, checker, helper, save

F = TensorProto.FLOAT


def constant(name, shape, values):
    return helper.make_tensor(name, F, shape, values)


nodes = [
    helper.make_node("Mul", ["input", "gain"], ["scaled"]),
    helper.make_node("Add", ["scaled", "bias"], ["moved"]),
    helper.make_node("Relu", ["moved"], ["positive"]),
    helper.make_node("ReduceMean", ["positive"], ["mean"], axes=[2, 3], keepdims=1),
    helper.make_node("Sub", ["positive", "mean"], ["centred"]),
    helper.make_node("PRelu", ["centred", "slope"], ["bent"]),
    helper.make_node("Mul", ["bent", "bent"], ["output"]),
]
graph = helper.make_graph(
    nodes,
    "tiny",
    [helper.make_tensor_value_info("input", F, [1, 3, 8, 8])],
    [helper.make_tensor_value_info("output", F, [1, 3, 8, 8])],
    [
        constant("gain", [3, 1, 1], [2.0, -3.0, 0.5]),
        constant("bias", [1], [0.25]),
        constant("slope", [3, 1, 1], [0.1, 0.2, 0.3]),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)])
model.ir_version = 7
checker.check_model(model)
save(model, sys.argv[1])
