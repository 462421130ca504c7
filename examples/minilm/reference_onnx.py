# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The same encoder in an independent runtime: standard ONNX operators, ONNX Runtime.

    python3 reference_onnx.py --record

writes the vectors of the demo's sentences to recorded/vectors.json.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import model
from sentences import DEMO
from wordpiece import WordPiece

RECORDED = Path(__file__).parent / "recorded" / "vectors.json"
OPSET = 20  # the first with Gelu; LayerNormalization came with 17


class Graph:
    """Collects nodes and constants; every method returns the name of its result."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], {}

    def op(self, kind, *inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def linear(self, x, name):
        w = self.constant(self.weights[name + ".weight"].T)
        b = self.constant(self.weights[name + ".bias"])
        return self.op("Add", self.op("MatMul", x, w), b)

    def layer_norm(self, x, name):
        g = self.constant(self.weights[name + ".weight"])
        b = self.constant(self.weights[name + ".bias"])
        return self.op("LayerNormalization", x, g, b, axis=-1, epsilon=model.EPSILON)

    def attention(self, x, name):
        depth = model.CHANNELS // model.HEADS
        split = self.constant(np.array([0, 0, model.HEADS, depth], np.int64))
        merge = self.constant(np.array([0, 0, model.CHANNELS], np.int64))

        def heads(part, order):
            y = self.op("Reshape", self.linear(x, f"{name}.self.{part}"), split)
            return self.op("Transpose", y, perm=order)

        scores = self.op("MatMul", heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]))
        scores = self.op("Mul", scores, self.constant(np.float32(depth**-0.5)))
        axes = self.constant(np.array([1, 2], np.int64))
        keep = self.op("Unsqueeze", "mask", axes)
        scores = self.op("Where", keep, scores, self.constant(np.float32(-np.inf)))
        mixed = self.op("MatMul", self.op("Softmax", scores, axis=-1), heads("value", [0, 2, 1, 3]))
        mixed = self.op("Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), merge)
        return self.linear(mixed, name + ".output.dense")

    def embedding(self):
        w = {
            k: self.weights[f"embeddings.{k}_embeddings.weight"]
            for k in ("word", "position", "token_type")
        }
        x = self.op("Gather", self.constant(w["word"]), "ids")
        x = self.op("Add", x, self.constant(w["token_type"][0]))
        zero, one = (self.constant(np.array([i], np.int64)) for i in (0, 1))
        length = self.op("Shape", "ids", start=1, end=2)
        positions = self.op("Slice", self.constant(w["position"]), zero, length, zero, one)
        return self.layer_norm(self.op("Add", x, positions), "embeddings.LayerNorm")

    def pool(self, x):
        one = self.constant(np.array([1], np.int64))
        last = self.constant(np.array([-1], np.int64))
        tokens = self.op("Unsqueeze", self.op("Cast", "mask", to=TensorProto.FLOAT), last)
        total = self.op("ReduceSum", self.op("Mul", x, tokens), one, keepdims=0)
        mean = self.op("Div", total, self.op("ReduceSum", tokens, one, keepdims=0))
        norm = self.op("ReduceL2", mean, last, keepdims=1)
        return self.op("Div", mean, norm)


def build(weights):
    """An ONNX model: ids [B,S] and mask [B,S] to vectors [B,384]."""
    g = Graph(weights)
    x = g.embedding()
    for i in range(model.LAYERS):
        name = f"encoder.layer.{i}"
        x = g.op("Add", x, g.attention(x, name + ".attention"))
        x = g.layer_norm(x, name + ".attention.output.LayerNorm")
        inner = g.op("Gelu", g.linear(x, name + ".intermediate.dense"))
        x = g.op("Add", x, g.linear(inner, name + ".output.dense"))
        x = g.layer_norm(x, name + ".output.LayerNorm")
    y = g.pool(x)
    graph = helper.make_graph(
        g.nodes,
        "minilm",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["B", "S"]),
            helper.make_tensor_value_info("mask", TensorProto.BOOL, ["B", "S"]),
        ],
        [helper.make_tensor_value_info(y, TensorProto.FLOAT, ["B", model.CHANNELS])],
        [numpy_helper.from_array(value, name) for name, value in g.constants.items()],
    )
    # IR version 10 is what opset 20's runtimes read; onnx would write its newest.
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10)


class Reference:
    def __init__(self, weights=None):
        proto = build(model.read_weights() if weights is None else weights)
        onnx.checker.check_model(proto)
        self.session = onnxruntime.InferenceSession(
            proto.SerializeToString(), providers=["CPUExecutionProvider"]
        )

    def encode(self, ids, mask):
        return self.session.run(None, {"ids": ids, "mask": mask})[0]


def record():
    ids, mask = WordPiece(model.folder() / "vocab.txt").batch(DEMO)
    vectors = Reference().encode(ids, mask)
    rows = [
        {"sentence": s, "vector": [float(f"{x:.9g}") for x in v]}
        for s, v in zip(DEMO, vectors, strict=True)
    ]
    header = {
        "command": "python3 examples/minilm/reference_onnx.py --record",
        "runtime": f"onnxruntime {onnxruntime.__version__}, opset {OPSET}",
        "weights_sha256": model.SHA256,
    }
    RECORDED.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(row) for row in rows)
    text = json.dumps({**header, "rows": []}, indent=0)
    RECORDED.write_text(text.replace("[]", f"[\n{lines}\n]") + "\n")
    print("wrote", RECORDED)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", required=True)
    parser.parse_args()
    record()
