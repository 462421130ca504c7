# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Who runs a case: attn-mlir, the limit, and what a user could pick instead.

A contender is a function of (case, (q, k, v) in f32, threads) that returns (call, out): `call()`
computes the whole result of tensors that are already in the contender's own form, `out()` gives it
as f32 [B, H, M, D]. It raises Lacks with the reason where it cannot run, which the report repeats.
"""

import importlib.util

import numpy as np

from . import cases

CONTENDERS = {}


class Lacks(Exception):
    """What a case wants that this contender, or this machine, has not."""


def contender(name):
    def register(function):
        CONTENDERS[name] = function
        return function

    return register


def need(*modules):
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise Lacks(f"the package {module} is not installed")


def f32_only(case):
    if case.dtype != "f32":
        raise Lacks(f"no {case.dtype}")


@contender("attn-mlir")
def attn_mlir(case, arrays, threads):
    import attn_mlir

    if case.dtype == "bf16":
        need("ml_dtypes")
        import ml_dtypes

        arrays = [cases.to_bf16(x).view(ml_dtypes.bfloat16) for x in arrays]
    out = np.empty((case.B, case.H, case.M, case.D), arrays[0].dtype)

    def call():
        attn_mlir.sdpa(
            *arrays,
            is_causal=case.causal,
            enable_gqa=case.kv_heads != case.H,
            out=out,
            threads=threads,
        )

    return call, lambda: out.astype(np.float32)


def lacking(reason):
    """A contender that no case has, for a machine without it."""

    def make(case, arrays, threads):
        raise Lacks(reason)

    return make


def limit_of(library):
    """Makes the library of benchmarks/limit a contender; None: one that lacks everything."""
    if library is None:
        CONTENDERS["limit"] = lacking("benchmarks/limit was not built")
        return

    @contender("limit")
    def limit(case, arrays, threads):
        f32_only(case)
        if threads > 1:
            raise Lacks("one thread only")
        if case.M < 2:
            raise Lacks("no kernel for single queries")
        if case.causal and case.M != case.N:
            raise Lacks("causal of equal lengths only")
        out = np.empty((case.B, case.H, case.M, case.D), np.float32)
        pointers = [x.ctypes.data for x in (*arrays, out)]
        sizes = [case.B * case.H, case.M, case.N, case.D, int(case.causal)]

        def call(keep=(arrays, out)):  # the pointers own nothing
            if library.limit_attention(*pointers, *sizes):
                raise Lacks(f"no kernel for head size {case.D}")

        return call, lambda: out


@contender("torch.sdpa")
def torch_sdpa(case, arrays, threads):
    need("torch")
    import torch

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    dtype = torch.bfloat16 if case.dtype == "bf16" else torch.float32
    q, k, v = (torch.from_numpy(x).to(dtype) for x in arrays)
    options = {"is_causal": case.causal, "enable_gqa": case.kv_heads != case.H}
    result = []

    def call():
        result[:] = [torch.nn.functional.scaled_dot_product_attention(q, k, v, **options)]

    return call, lambda: result[0].float().numpy()


def onnx_options(threads):
    """A session of one call at a time."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return options


def openvino_request(model, arrays, threads):
    """(call, out) of a model in f32 whose inputs are these arrays, and first result `out`."""
    import openvino

    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    settings |= {"NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
    tensors = [openvino.Tensor(np.ascontiguousarray(x), shared_memory=True) for x in arrays]
    for i, tensor in enumerate(tensors):
        request.set_input_tensor(i, tensor)
    return lambda keep=tensors: request.infer(), lambda: request.get_output_tensor(0).data.copy()


def onnx_session(nodes, feeds, result, threads, domains, in_place=()):
    """A session with its tensors bound: (call, out). in_place: pairs (output, input it overwrites)."""
    need("onnx", "onnxruntime")
    import onnx
    import onnxruntime

    helper = onnx.helper
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in feeds.items()
    ]
    output = helper.make_tensor_value_info("o", onnx.TensorProto.FLOAT, result)
    kept = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, feeds[over].shape)
        for name, over in in_place
    ]
    graph = helper.make_graph(nodes, "attention", infos, [output, *kept])
    opsets = [helper.make_opsetid(*domain) for domain in domains]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), onnx_options(threads), providers
    )
    make = onnxruntime.OrtValue
    values = {name: make.ortvalue_from_numpy(np.ascontiguousarray(x)) for name, x in feeds.items()}
    out = make.ortvalue_from_shape_and_type(list(result), np.float32)
    binding = session.io_binding()
    for name, value in values.items():
        binding.bind_ortvalue_input(name, value)
    binding.bind_ortvalue_output("o", out)
    for name, over in in_place:
        binding.bind_ortvalue_output(name, values[over])
    return lambda keep=values: session.run_with_iobinding(binding), out.numpy


@contender("ort.attention")
def ort_attention(case, arrays, threads):
    """The operator Attention of ONNX."""
    need("onnx", "onnxruntime")
    import onnx

    f32_only(case)
    feeds = dict(zip("qkv", arrays, strict=True))
    node = onnx.helper.make_node("Attention", list("qkv"), ["o"], is_causal=int(case.causal))
    return onnx_session([node], feeds, (case.B, case.H, case.M, case.D), threads, [("", 23)])


def heads_inside(x):
    """[B, H, S, D] as [B, S, H * D]."""
    return np.ascontiguousarray(x.transpose(0, 2, 1, 3)).reshape(x.shape[0], x.shape[2], -1)


@contender("ort.mha")
def ort_mha(case, arrays, threads):
    """MultiHeadAttention, what ONNX Runtime's optimizer makes of transformers."""
    need("onnx", "onnxruntime")
    import onnx

    f32_only(case)
    if case.kv_heads != case.H:
        raise Lacks("no grouped heads")
    feeds = {name: heads_inside(x) for name, x in zip("qkv", arrays, strict=True)}
    options = {"num_heads": case.H, "unidirectional": int(case.causal)}
    node = onnx.helper.make_node(
        "MultiHeadAttention", list("qkv"), ["o"], domain="com.microsoft", **options
    )
    domains = [("", 21), ("com.microsoft", 1)]
    call, out = onnx_session([node], feeds, feeds["q"].shape, threads, domains)
    shape = (case.B, case.M, case.H, case.D)
    return call, lambda: out().reshape(shape).transpose(0, 2, 1, 3)


@contender("ort.gqa")
def ort_gqa(case, arrays, threads):
    """GroupQueryAttention, what exported language models hold; writes its keys and values too."""
    need("onnx", "onnxruntime")
    import onnx

    f32_only(case)
    decode = case.M == 1
    if not decode and not (case.causal and case.M == case.N):
        raise Lacks("causal self-attention or single queries only")
    q, k, v = arrays
    feeds = {"q": heads_inside(q)}
    for name, x in (("k", k), ("v", v)):  # a decoding step brings the last key and value
        feeds[name] = heads_inside(x[:, :, -1:] if decode else x)
        feeds[f"past_{name}"] = x.copy() if decode else np.zeros_like(x)
    feeds["last"] = np.full(case.B, case.N - 1, np.int32)
    feeds["length"] = np.array(case.N, np.int32)
    node = onnx.helper.make_node(
        "GroupQueryAttention",
        ["q", "k", "v", "past_k", "past_v", "last", "length"],
        ["o", "new_k", "new_v"],
        domain="com.microsoft",
        num_heads=case.H,
        kv_num_heads=case.kv_heads,
    )
    domains = [("", 21), ("com.microsoft", 1)]
    in_place = [("new_k", "past_k"), ("new_v", "past_v")]
    call, out = onnx_session([node], feeds, feeds["q"].shape, threads, domains, in_place)
    shape = (case.B, case.M, case.H, case.D)
    return call, lambda: out().reshape(shape).transpose(0, 2, 1, 3)


@contender("openvino")
def openvino(case, arrays, threads):
    need("openvino")
    import openvino
    from openvino import opset13

    f32_only(case)
    parameters = [opset13.parameter(list(x.shape), openvino.Type.f32) for x in arrays]
    operands = list(parameters)
    if case.kv_heads != case.H:
        if case.M != 1:
            raise Lacks("grouped heads of single queries only")
        shape = [case.B, case.kv_heads, case.H // case.kv_heads, case.D]
        operands[0] = opset13.reshape(operands[0], np.array(shape), False)
    node = opset13.scaled_dot_product_attention(*operands, causal=case.causal)
    if case.kv_heads != case.H:
        node = opset13.reshape(node, np.array([case.B, case.H, case.M, case.D]), False)
    return openvino_request(openvino.Model([node], parameters, "attention"), arrays, threads)


@contender("numpy")
def numpy_openblas(case, arrays, threads):
    """Two products of numpy (OpenBLAS) around a softmax."""
    f32_only(case)
    need("threadpoolctl")
    import threadpoolctl

    threadpoolctl.threadpool_limits(threads)
    group = case.H // case.kv_heads
    if group > 1 and case.M > 1:
        raise Lacks("grouped heads of single queries only")
    q, k, v = arrays
    q = q.reshape(case.B, case.kv_heads, group * case.M, case.D) * np.float32(case.D**-0.5)
    k = k.swapaxes(-1, -2)
    hidden = np.triu(np.full((case.M, case.N), -np.inf, np.float32), 1) if case.causal else None
    result = []

    def call():
        s = q @ k
        if hidden is not None:
            s += hidden
        s -= s.max(-1, keepdims=True)
        np.exp(s, out=s)
        s /= s.sum(-1, keepdims=True)
        result[:] = [s @ v]

    return call, lambda: result[0].reshape(case.B, case.H, case.M, case.D)
