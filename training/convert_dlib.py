#!/usr/bin/python3
"""dlib's face recognition network, from face-api's package to ONNX.

    convert_dlib.py FOLDER OUT.onnx

FOLDER holds face_recognition_model-weights_manifest.json and face_recognition_model.bin. The
network is a ResNet of 29 convolutions (dlib, dnn_face_recognition_ex.cpp; its author, Davis King,
gave the weights to the public domain) with a scale and shift in place of batch normalisation,
which are folded into the convolutions here. The package keeps the weights in 8 bits.

Input [1, 3, 150, 150]: RGB, (v - (122.782, 117.001, 104.298)) / 256. Output [1, 128].
"""

import json
import sys

import numpy as np

import tfjs
from graph import Graph

SIDE = 150
# Name, blocks at its scale, and whether the first halves the picture.
STAGES = [
    ("conv32", 3, False),
    ("conv64", 3, True),
    ("conv128", 2, True),
    ("conv256", 2, True),
]


class Network:
    def __init__(self, weights):
        self.weights = weights
        self.graph = Graph("dlib_face_recognition")

    def convolution(self, x, name, stride=1, same=True, relu=True):
        kernel = self.weights[name + "/conv/filters"].transpose(3, 2, 0, 1)
        scale = self.weights[name + "/scale/weights"]
        bias = self.weights[name + "/conv/bias"] * scale + self.weights[name + "/scale/biases"]
        side = kernel.shape[2]
        g = self.graph
        y = g.node(
            "Conv",
            [x, g.constant(kernel * scale[:, None, None, None]), g.constant(bias)],
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[side // 2 if same else 0] * 4,
        )
        return g.node("Relu", [y]) if relu else y

    def block(self, x, name):
        y = self.convolution(x, name + "/conv1")
        y = self.convolution(y, name + "/conv2", relu=False)
        return self.graph.node("Relu", [self.graph.node("Add", [y, x])])

    def pad(self, x, side, channels):
        if side == 0 and channels == 0:
            return x
        pads = np.array([0, 0, 0, 0, 0, channels, side, side], np.int64)
        return self.graph.node("Pad", [x, self.graph.constant(pads)])

    def halving_block(self, x, name, side, channels):
        """The skip is an average of 2 x 2; whichever way is smaller is filled up with zeros."""
        y = self.convolution(x, name + "/conv1", stride=2, same=False)
        y = self.convolution(y, name + "/conv2", relu=False)
        skip = self.graph.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
        made, kept = (side - 3) // 2 + 1, (side - 2) // 2 + 1
        wide = self.weights[name + "/conv2/conv/filters"].shape[3]
        y = self.pad(y, max(0, kept - made), 0)
        skip = self.pad(skip, max(0, made - kept), wide - channels)
        z = self.graph.node("Relu", [self.graph.node("Add", [y, skip])])
        return z, max(made, kept), wide

    def build(self):
        g = self.graph
        x = self.convolution(g.input("input", [1, 3, SIDE, SIDE]), "conv32_down", 2, same=False)
        x = g.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])
        side, channels = ((SIDE - 7) // 2 + 1 - 3) // 2 + 1, 32
        for name, blocks, halves in STAGES:
            if halves:
                x, side, channels = self.halving_block(x, name + "_down", side, channels)
            for i in range(blocks):
                x = self.block(x, "%s_%d" % (name, i + 1))
        x, side, channels = self.halving_block(x, "conv256_down_out", side, channels)
        x = g.node("GlobalAveragePool", [x])
        x = g.node("Reshape", [x, g.constant(np.array([1, channels], np.int64))])
        x = g.node("MatMul", [x, g.constant(self.weights["fc"])])
        g.output(x, "output", [1, 128])
        return g


def main():
    folder, out = sys.argv[1:]
    with open(folder + "/face_recognition_model-weights_manifest.json") as file:
        manifest = json.load(file)
    # The package has one file where the manifest may list it under its older name.
    for group in manifest:
        group["paths"] = ["face_recognition_model.bin"]
    Network(tfjs.weights(manifest, folder)).build().save(out)


main()
