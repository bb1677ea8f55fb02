"""Building an ONNX graph node by node, always to the same bytes.

Names are numbered in the order of making, nothing of the day or the machine is written, and the
file is checked before it is saved: two runs on two machines give one sha256.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

OPSET = 13
IR_VERSION = 7  # the first with opset 13: older runtimes read it too


class Graph:
    def __init__(self, name):
        self.name = name
        self.nodes = []
        self.constants = []
        self.inputs = []
        self.outputs = []

    def constant(self, array):
        name = "k%d" % len(self.constants)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, op, inputs, output=None, **attributes):
        output = output or "%s%d" % (op.lower(), len(self.nodes))
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def input(self, name, shape):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, value, name, shape):
        self.node("Identity", [value], output=name)
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def save(self, path):
        graph = helper.make_graph(
            self.nodes, self.name, self.inputs, self.outputs, self.constants
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = IR_VERSION
        model.producer_name = "ward"
        onnx.checker.check_model(model)
        # Shapes that contradict each other or the outputs declared above stop here.
        shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        with open(path, "wb") as file:
            file.write(model.SerializeToString())
