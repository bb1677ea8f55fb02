#!/usr/bin/python3
"""MediaPipe's face models, from TensorFlow.js graphs to ONNX.

    convert_mediapipe.py MODEL.json OUT.onnx

MODEL.json names its weights' file, which lies beside it. Understands what MediaPipe's face mesh
and face detector are made of and stops at anything else. TensorFlow keeps colours last
[1, h, w, c]; everything is turned to colours first [1, c, h, w], so that no transposition is
left in the graph but those before an output that is more than one pixel large.

Input "input" [1, 3, h, w]. Outputs by the graph's own names.
"""

import base64
import json
import os
import sys

import numpy as np

import tfjs
from graph import Graph


def bare(name):
    """The node an input means: "^" marks an order only, ":0" its first output."""
    return name.lstrip("^").split(":")[0]


class Converter:
    def __init__(self, model, folder):
        self.nodes = model["modelTopology"]["node"]
        self.weights = tfjs.weights(model["weightsManifest"], folder)
        self.graph = Graph("mediapipe")
        self.values = {}  # a node's name -> the name of its value here
        self.shapes = {}  # the same -> [h, w, c] while it is a picture

    # ---- a node's parts ----

    def inputs(self, node):
        return [bare(name) for name in node.get("input", []) if not name.startswith("^")]

    def attribute(self, node, name):
        return node["attr"][name]

    def spatial(self, node, name):
        """Of [1, h, w, 1]."""
        return [int(i) for i in self.attribute(node, name)["list"]["i"]][1:3]

    def same(self, node):
        return base64.b64decode(self.attribute(node, "padding")["s"]) == b"SAME"

    def fused(self, node):
        if "fused_ops" not in node["attr"]:
            return []
        words = self.attribute(node, "fused_ops")["list"].get("s", [])
        return [base64.b64decode(word).decode() for word in words]

    # ---- pictures ----

    def window(self, node, shape, kernel):
        """Padding as TensorFlow means it, and the size that comes out."""
        strides = self.spatial(node, "strides")
        if not self.same(node):
            out = [(shape[i] - kernel[i]) // strides[i] + 1 for i in (0, 1)]
            return {"strides": strides, "pads": [0, 0, 0, 0]}, out
        out = [-(-shape[i] // strides[i]) for i in (0, 1)]
        need = [max(0, (out[i] - 1) * strides[i] + kernel[i] - shape[i]) for i in (0, 1)]
        first = [n // 2 for n in need]
        pads = first + [need[i] - first[i] for i in (0, 1)]
        return {"strides": strides, "pads": pads}, out

    def prelu(self, x, slope):
        slope = self.weights[slope].reshape(-1, 1, 1)
        return self.graph.node("PRelu", [x, self.graph.constant(slope)])

    def convolution(self, node):
        source, filters, *rest = self.inputs(node)
        kernel, group = self.weights[filters], 1
        if "epthwise" in node["op"]:
            group = kernel.shape[2]
            kernel = kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *kernel.shape[:2])
        else:
            kernel = kernel.transpose(3, 2, 0, 1)
        window, size = self.window(node, self.shapes[source], kernel.shape[2:])
        terms = [self.values[source], self.graph.constant(kernel)]
        fused = self.fused(node)
        if "BiasAdd" in fused:
            terms.append(self.graph.constant(self.weights[rest.pop(0)].reshape(-1)))
        y = self.graph.node(
            "Conv", terms, group=group, kernel_shape=list(kernel.shape[2:]), **window
        )
        for after in fused:
            if after == "Relu":
                y = self.graph.node("Relu", [y])
            elif after == "Prelu":
                y = self.prelu(y, rest.pop(0))
            elif after != "BiasAdd":
                raise SystemExit("unknown: fused " + after)
        return y, size + [kernel.shape[0]]

    def pool(self, node):
        (source,) = self.inputs(node)
        kernel = self.spatial(node, "ksize")
        window, size = self.window(node, self.shapes[source], kernel)
        y = self.graph.node("MaxPool", [self.values[source]], kernel_shape=kernel, **window)
        return y, size + [self.shapes[source][2]]

    def pad(self, node):
        source, amounts = self.inputs(node)
        before, after = self.weights[amounts][[0, 3, 1, 2]].T.astype(np.int64)
        pads = self.graph.constant(np.concatenate([before, after]))
        y = self.graph.node("Pad", [self.values[source], pads])
        h, w, c = self.shapes[source]
        grown = self.weights[amounts].sum(axis=1)
        return y, [h + int(grown[1]), w + int(grown[2]), c + int(grown[3])]

    def reshape(self, node):
        """Out of pictures: TensorFlow's order of values counts."""
        source, wanted = self.inputs(node)
        x = self.values[source]
        if self.shapes[source][:2] != [1, 1]:
            x = self.graph.node("Transpose", [x], perm=[0, 2, 3, 1])
        shape = self.weights[wanted].astype(np.int64)
        return self.graph.node("Reshape", [x, self.graph.constant(shape)]), None

    # ---- the whole ----

    def convert(self, node):
        op, inputs = node["op"], self.inputs(node)
        if op == "Placeholder":
            h, w, c = [int(d["size"]) for d in self.attribute(node, "shape")["shape"]["dim"][1:]]
            return self.graph.input("input", [1, c, h, w]), [h, w, c]
        if op in ("_FusedConv2D", "DepthwiseConv2dNative"):
            return self.convolution(node)
        if op == "MaxPool":
            return self.pool(node)
        if op == "Pad":
            return self.pad(node)
        if op == "Reshape":
            return self.reshape(node)
        shape = self.shapes[inputs[0]]
        if op == "AddV2":
            return self.graph.node("Add", [self.values[i] for i in inputs]), shape
        if op == "Prelu":
            return self.prelu(self.values[inputs[0]], inputs[1]), shape
        if op in ("Relu", "Sigmoid"):
            return self.graph.node(op, [self.values[inputs[0]]]), shape
        if op == "Identity":
            return self.values[inputs[0]], shape
        raise SystemExit("unknown: " + op)

    def build(self, outputs):
        for node in self.nodes:
            if node["op"] != "Const":
                value, shape = self.convert(node)
                self.values[node["name"]] = value
                self.shapes[node["name"]] = shape
        for name, node, shape in outputs:
            self.graph.output(self.values[node], name, shape)
        return self.graph


def outputs(model):
    """Name, node and shape of each output, in the order of their names."""
    signature = model.get("signature") or model["userDefinedMetadata"]["signature"]
    found = []
    for name, output in sorted(signature["outputs"].items()):
        sizes = [int(d["size"]) for d in output["tensorShape"]["dim"]]
        found.append((bare(name), bare(output["name"]), [1 if s < 0 else s for s in sizes]))
    return found


def main():
    path, out = sys.argv[1:]
    with open(path) as file:
        model = json.load(file)
    Converter(model, os.path.dirname(path)).build(outputs(model)).save(out)


main()
