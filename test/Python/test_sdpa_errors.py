# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Wrong calls of attn_mlir.sdpa: the whole message of each."""

import ctypes
import re

import numpy as np
import pytest

import attn_mlir


def zeros(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


def locked(*shape):
    array = zeros(*shape)
    array.setflags(write=False)
    return array


class OtherDevice:
    """A tensor that says through DLPack that it lies on a GPU, at an address that nobody has."""

    class Tensor(ctypes.Structure):
        _fields_ = [
            ("data", ctypes.c_void_p),
            ("device_type", ctypes.c_int32),
            ("device_id", ctypes.c_int32),
            ("ndim", ctypes.c_int32),
            ("code", ctypes.c_uint8),
            ("bits", ctypes.c_uint8),
            ("lanes", ctypes.c_uint16),
            ("shape", ctypes.POINTER(ctypes.c_int64)),
            ("strides", ctypes.c_void_p),
            ("byte_offset", ctypes.c_uint64),
            ("context", ctypes.c_void_p),
            ("deleter", ctypes.c_void_p),
        ]

    def __init__(self):
        self.shape = (ctypes.c_int64 * 4)(1, 2, 3, 4)
        self.tensor = self.Tensor(64, 2, 1, 4, 2, 32, 1, self.shape, None, 0, None, None)

    def __dlpack_device__(self):
        return 2, 1

    def __dlpack__(self, **_):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = (
            ctypes.py_object,
            [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
        )
        return new(ctypes.addressof(self.tensor), b"dltensor", None)


class Refuses:
    def __dlpack__(self, **_):
        raise BufferError("a tensor under water")

    def __dlpack_device__(self):
        return 1, 0


class Repr:
    def __repr__(self):
        return "many\n" * 100


# What is changed in a right call, the exception, its message.
CASES = {
    "no array": ({"q": [[1.0]]}, TypeError, "q: expected an array (numpy, torch or any with DLPack), found list"),
    "none": ({"v": None}, TypeError, "v: expected an array (numpy, torch or any with DLPack), found NoneType"),
    "bytes": ({"k": b"1234"}, TypeError, "k: expected an array (numpy, torch or any with DLPack), found bytes"),
    "device": ({"q": OtherDevice()}, ValueError, "q: expected memory of the CPU, found device 2:1 of DLPack"),
    "refused": ({"k": Refuses()}, TypeError, "k: expected an array that can be read, found a tensor under water"),
    "integers": ({"q": zeros(1, 2, 3, 4, dtype=np.int32)}, TypeError, "q: expected float64, float32, float16 or bfloat16, found int32"),
    "unsigned": ({"q": zeros(1, 2, 3, 4, dtype=np.uint8)}, TypeError, "q: expected elements of floating point, bool or signed integers, found uint8"),
    "other bytes": ({"q": zeros(1, 2, 3, 4, dtype=">f4")}, TypeError, "q: expected elements of floating point, bool or signed integers, found >f4"),
    "strings": ({"q": np.array(["a"])}, TypeError, "q: expected elements of floating point, bool or signed integers, found <U1"),
    "mix": ({"k": zeros(1, 2, 5, 4, dtype=np.float16)}, TypeError, "k: expected float32 as in q, found float16"),
    "mix v": ({"v": zeros(1, 2, 5, 4, dtype=np.float64)}, TypeError, "v: expected float32 as in q, found float64"),
    "rank": ({"q": zeros(2, 3, 4)}, ValueError, "q: expected 4 dimensions (batch, head, position, channel), found 3"),
    "rank 9": ({"k": zeros(*[1] * 9)}, ValueError, "k: expected at most 8 dimensions, found 9"),
    "batches": ({"k": zeros(3, 2, 5, 4)}, ValueError, "k: expected size 1 in dimension 0 as in q, found 3"),
    "channels": ({"k": zeros(1, 2, 5, 8)}, ValueError, "k: expected size 4 in dimension 3 as in q, found 8"),
    "values": ({"v": zeros(1, 2, 6, 4)}, ValueError, "v: expected size 5 in dimension 2 as in k, found 6"),
    "value heads": ({"v": zeros(1, 1, 5, 4)}, ValueError, "v: expected size 2 in dimension 1 as in k, found 1"),
    "heads": ({"k": zeros(1, 3, 5, 4), "v": zeros(1, 3, 5, 4), "enable_gqa": True}, ValueError, "k: expected a number of heads that divides the 2 of q, found 3"),
    "no heads": ({"k": zeros(1, 0, 5, 4), "v": zeros(1, 0, 5, 4), "enable_gqa": True}, ValueError, "k: expected a number of heads that divides the 2 of q, found 0"),
    "grouped": ({"k": zeros(1, 1, 5, 4), "v": zeros(1, 1, 5, 4)}, ValueError, "k: expected 2 heads as in q, or enable_gqa=True, found 1"),
    "integer mask": ({"attn_mask": zeros(3, 5, dtype=np.int64)}, TypeError, "attn_mask: expected bool (True: attend) or floating point (added), found int64"),
    "mask list": ({"attn_mask": [[True]]}, TypeError, "attn_mask: expected an array (numpy, torch or any with DLPack), found list"),
    "mask shape": ({"attn_mask": zeros(2, 2, 3, 5, dtype=bool)}, ValueError, "attn_mask: expected size 1 in dimension 0, found 2"),
    "mask columns": ({"attn_mask": zeros(3, 4, dtype=bool)}, ValueError, "attn_mask: expected size 1 or 5 in dimension 1, found 4"),
    "mask rank": ({"attn_mask": zeros(1, 1, 1, 3, 5)}, ValueError, "attn_mask: expected at most 4 dimensions, found 5"),
    "causal": ({"is_causal": 1}, TypeError, "is_causal: expected a bool, found int"),
    "align": ({"causal_align": "left"}, ValueError, "causal_align: expected 'top_left', 'bottom_right' or an offset, found 'left'"),
    "align type": ({"causal_align": 0.5}, TypeError, "causal_align: expected 'top_left', 'bottom_right' or an offset, found 0.5"),
    "scale": ({"scale": "1"}, TypeError, "scale: expected None or a number, found str"),
    "no channels": ({"q": zeros(1, 2, 3, 0), "k": zeros(1, 2, 5, 0)}, ValueError, "scale: expected a number, because q has no channels, found None"),
    "window": ({"window": 3}, TypeError, "window: expected two integers (left, right), found 3"),
    "window of three": ({"window": (1, 2, 3)}, TypeError, "window: expected two integers (left, right), found (1, 2, 3)"),
    "window type": ({"window": (1.0, 0)}, TypeError, "window: expected two integers (left, right), found (1.0, 0)"),
    "window size": ({"window": (-2, 0)}, ValueError, "window: expected sizes of at least -1 (no bound), found (-2, 0)"),
    "window repr": ({"window": Repr()}, TypeError, "window: expected two integers (left, right), found many many many many many many many ma..."),
    "softcap": ({"softcap": -1.0}, ValueError, "softcap: expected 0 (no cap) or a positive number, found -1.0"),
    "softcap nan": ({"softcap": float("nan")}, ValueError, "softcap: expected 0 (no cap) or a positive number, found nan"),
    "softcap inf": ({"softcap": float("inf")}, ValueError, "softcap: expected 0 (no cap) or a positive number, found inf"),
    "softcap none": ({"softcap": None}, TypeError, "softcap: expected a number, found NoneType"),
    "slopes type": ({"alibi_slopes": zeros(2, dtype=np.int32)}, TypeError, "alibi_slopes: expected floating point, found int32"),
    "slopes": ({"alibi_slopes": zeros(3)}, ValueError, "alibi_slopes: expected 2 numbers, one per head of q, found 3"),
    "slopes rank": ({"alibi_slopes": zeros(1, 2)}, ValueError, "alibi_slopes: expected 1 dimension, found 2"),
    "sinks": ({"sinks": zeros(1)}, ValueError, "sinks: expected 2 numbers, one per head of q, found 1"),
    "lengths type": ({"kv_lens": zeros(1)}, TypeError, "kv_lens: expected signed integers, found float32"),
    "lengths bool": ({"kv_lens": zeros(1, dtype=bool)}, TypeError, "kv_lens: expected signed integers, found bool"),
    "lengths": ({"kv_lens": zeros(2, dtype=np.int32)}, ValueError, "kv_lens: expected 1 numbers, one per batch, found 2"),
    "too long": ({"kv_lens": np.array([6])}, ValueError, "kv_lens: expected lengths from 0 to 5, found 6 at index 0"),
    "negative": ({"kv_lens": np.array([-1], np.int8)}, ValueError, "kv_lens: expected lengths from 0 to 5, found -1 at index 0"),
    "score_mod": ({"score_mod": 7}, TypeError, "score_mod: expected None or a function, found int"),
    "mask_mod": ({"mask_mod": "causal"}, TypeError, "mask_mod: expected None or a function, found str"),
    "gqa": ({"enable_gqa": None}, TypeError, "enable_gqa: expected a bool, found NoneType"),
    "lse": ({"return_lse": "yes"}, TypeError, "return_lse: expected a bool, found str"),
    "out type": ({"out": zeros(1, 2, 3, 4, dtype=np.float64)}, TypeError, "out: expected float32 as in q, found float64"),
    "out rank": ({"out": zeros(3, 4)}, ValueError, "out: expected 4 dimensions, found 2"),
    "out shape": ({"out": zeros(1, 2, 3, 5)}, ValueError, "out: expected size 4 in dimension 3, found 5"),
    "out locked": ({"out": locked(1, 2, 3, 4)}, ValueError, "out: expected an array that may be written, found a read-only one"),
    "out folded": ({"out": np.lib.stride_tricks.as_strided(zeros(64), (1, 2, 3, 4), (0, 0, 16, 4))}, ValueError, "out: expected strides that put no two elements on one place"),
    "threads": ({"threads": 0}, ValueError, "threads: expected None or a number from 1 to 4096, found 0"),
    "threads type": ({"threads": 1.5}, TypeError, "threads: expected None or an integer, found float"),
    "target type": ({"target": 1}, TypeError, "target: expected a string, found int"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_message(name):
    changes, exception, message = CASES[name]
    arguments = {"q": zeros(1, 2, 3, 4), "k": zeros(1, 2, 5, 4), "v": zeros(1, 2, 5, 4)} | changes
    with pytest.raises(exception) as info:
        attn_mlir.sdpa(**arguments)
    assert type(info.value) is exception
    assert str(info.value) == message
    assert len(message.split("\n")[0]) <= 120


def test_unknown_option():
    array = zeros(1, 1, 1, 1)
    for arguments, options, message in [
        ((array,) * 3, {"dropout_p": 0.5}, "dropout_p: expected an option that help(attn_mlir.sdpa) lists, found another name"),
        ((array,) * 2, {}, "sdpa: expected q, k, v and options by name, found 2 arguments by position and 0 by name"),
        ((array,) * 4, {"scale": 1}, "sdpa: expected q, k, v and options by name, found 4 arguments by position and 1 by name"),
    ]:  # fmt: skip
        with pytest.raises(TypeError) as info:
            attn_mlir.sdpa(*arguments, **options)
        assert str(info.value) == message and len(message) <= 120


def test_options_are_known():
    """Module.cpp has their names twice: in the signature, and for that message."""
    signature = attn_mlir.sdpa.__doc__.split(")", 1)[0] + attn_mlir.sdpa.__doc__
    names = set(re.findall(r"(\w+)(?:: [\w| \[\],]+)? ?=", signature.split("softmax")[0]))
    assert len(names) == 16
    for name in names:
        with pytest.raises(TypeError) as info:
            attn_mlir.sdpa(zeros(1, 1, 1, 1), **{name: None})
        assert str(info.value) == (
            "sdpa: expected q, k, v and options by name, found 1 arguments by position and 1 by name"
        )


def test_target():
    array = zeros(1, 1, 1, 4)
    with pytest.raises(attn_mlir.CompileError) as info:
        attn_mlir.sdpa(array, array, array, target="cpu:z80")
    assert info.value.reason == (
        "unknown target 'cpu:z80': no x86-64 or aarch64 CPU or level is named 'z80'"
    )


def test_nothing_is_read_before_the_checks():
    """An array at an address that cannot be read, and a length that is wrong."""

    class Nowhere:
        def __init__(self, shape):
            self.__array_interface__ = {
                "data": (64, True),
                "shape": shape,
                "typestr": "<f4",
                "version": 3,
            }

    q, k = np.asarray(Nowhere((1, 2, 3, 4))), np.asarray(Nowhere((1, 2, 5, 4)))
    with pytest.raises(ValueError) as info:
        attn_mlir.sdpa(q, k, k, attn_mask=np.asarray(Nowhere((3, 5))), kv_lens=np.array([6]))
    assert str(info.value) == "kv_lens: expected lengths from 0 to 5, found 6 at index 0"
