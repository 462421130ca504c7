# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The cases of benchmarks/encoder.py: all-MiniLM-L6-v2 whole, and who runs it.

The contenders take (case, (ids, mask), threads) and return (call, out), as in contenders.py. All
have the weights before the first call, in the form that suits them.
"""

import dataclasses
import functools
import pathlib
import re
import sys
from typing import ClassVar

import numpy as np

from .contenders import Lacks, need, onnx_options, openvino_request

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples/minilm"
sys.path.insert(0, str(EXAMPLE))

import model  # noqa: E402

ENCODERS = {}


@dataclasses.dataclass(frozen=True)
class EncoderCase:
    """B sentences of S tokens each, none of them padding."""

    heading: ClassVar[str] = "B x S"
    has_limit: ClassVar[bool] = False

    name: str
    B: int
    S: int
    over_peers: tuple[float, float] | None = None  # bars of x: with AVX2, with AVX-512

    @property
    def label(self):
        return f"{self.B} x {self.S} tokens"

    @property
    def flops(self):
        """Products and sums of the projections, the feed-forward and attention, of all layers."""
        inner = 4 * model.CHANNELS
        a_token = 2 * model.CHANNELS * (4 * model.CHANNELS + 2 * inner)
        a_token += 4 * model.CHANNELS * self.S
        return model.LAYERS * self.B * self.S * a_token

    def row(self):
        """What the results keep of the case."""
        return {"case": self.name, "label": self.label, "flops": self.flops}

    def inputs(self, seed=0):
        """ids int64 [B, S], mask bool [B, S]."""
        random = np.random.default_rng(seed)
        ids = random.integers(1000, 29000, (self.B, self.S))
        return [ids, np.ones((self.B, self.S), bool)]

    def read_beside(self, arrays):
        """Nothing: an encoder does not wait for memory."""
        return []

    def reference(self, ids, mask):
        """Unit vectors of the first and the last sentence, in double precision."""
        values = weights()
        from forward_f64 import forward

        some = sorted({0, self.B - 1})
        return dict(zip(some, forward(ids[some], mask[some], values)[0], strict=True))

    def check(self, answers, out):
        """The largest absolute error; ValueError where a vector is off by more than 1e-5."""
        if out.shape != (self.B, model.CHANNELS):
            raise ValueError(f"expected a result of {self.B, model.CHANNELS}, found {out.shape}")
        error = float(np.max([np.abs(out[b] - vector).max() for b, vector in answers.items()]))
        if not error <= 1e-5:  # NaN as well
            raise ValueError(f"wrong: a vector is off by {error:.3g}, more than 1e-05")
        return error


CASES = [
    EncoderCase("e1x15", 1, 15, over_peers=(1.5, 1.5)),
    EncoderCase("e1x128", 1, 128, over_peers=(1.25, 1.25)),
    EncoderCase("e8x128", 8, 128, over_peers=(1.2, 1.2)),
    EncoderCase("e1x512", 1, 512, over_peers=(1.25, 1.25)),
]


def encoder(name):
    def register(function):
        ENCODERS[name] = function
        return function

    return register


@functools.cache
def weights():
    """The model's weights by name; Lacks where its package is not installed."""
    try:
        return model.read_weights()
    except model.ModelError as reason:
        raise Lacks(str(reason)) from None


@encoder("attn-mlir")
def attn_mlir(case, arrays, threads):
    import attn_mlir

    path = EXAMPLE / "minilm.mlir"
    entry = path.read_text(encoding="utf-8").split("func.func @encode(")[1].split("->")[0]
    names = re.findall(r'attn\.name = "([^"]+)"', entry)
    packed = attn_mlir.compile(path, entry="encode", threads=threads).prepack(
        *(weights()[name] for name in names)
    )
    out = np.empty((case.B, model.CHANNELS), np.float32)
    return lambda: packed(*arrays, out=out), lambda: out


def onnx_model():
    need("onnx", "onnxruntime")
    values = weights()
    import reference_onnx

    return reference_onnx.build(values)


@encoder("onnxruntime")
def onnxruntime_cpu(case, arrays, threads):
    """The model in standard operators, with all that a session optimizes."""
    proto = onnx_model().SerializeToString()
    import onnxruntime

    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(proto, onnx_options(threads), providers)
    feeds = dict(zip(("ids", "mask"), arrays, strict=True))
    result = []

    def call():
        result[:] = session.run(None, feeds)

    return call, lambda: result[0]


@encoder("openvino")
def openvino(case, arrays, threads):
    need("openvino")
    import io

    import openvino

    graph = openvino.Core().read_model(io.BytesIO(onnx_model().SerializeToString()))
    graph.reshape({"ids": [case.B, case.S], "mask": [case.B, case.S]})
    return openvino_request(graph, arrays, threads)


@encoder("torch")
def torch_eager(case, arrays, threads):
    """As a person writes it with torch.nn.functional; its attention is the fused one."""
    need("torch")
    import torch
    from torch.nn import functional

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    w = {name: torch.from_numpy(x.copy()) for name, x in weights().items()}
    ids, mask = (torch.from_numpy(x) for x in arrays)
    keep = mask[:, None, None, :]
    tokens = mask[:, :, None].float()
    kinds = {k: w[f"embeddings.{k}_embeddings.weight"] for k in ("word", "position", "token_type")}

    def linear(x, name):
        return functional.linear(x, w[name + ".weight"], w[name + ".bias"])

    def norm(x, name):
        return functional.layer_norm(
            x, (model.CHANNELS,), w[name + ".weight"], w[name + ".bias"], model.EPSILON
        )

    def attention(x, name):
        q, k, v = (
            linear(x, f"{name}.self.{part}").view(case.B, case.S, model.HEADS, -1).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        o = functional.scaled_dot_product_attention(q, k, v, attn_mask=keep)
        return linear(o.transpose(1, 2).flatten(2), name + ".output.dense")

    def encode():
        x = kinds["word"][ids] + kinds["position"][: case.S] + kinds["token_type"][0]
        x = norm(x, "embeddings.LayerNorm")
        for i in range(model.LAYERS):
            name = f"encoder.layer.{i}"
            x = norm(x + attention(x, f"{name}.attention"), f"{name}.attention.output.LayerNorm")
            inner = functional.gelu(linear(x, f"{name}.intermediate.dense"))
            x = norm(x + linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return functional.normalize((x * tokens).sum(1) / tokens.sum(1))

    result = []

    def call():
        result[:] = [encode()]

    return call, lambda: result[0].numpy()
