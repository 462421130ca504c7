# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Merges partial attentions over disjoint keys: attn.merge on arrays."""

import functools

from .executable import compile
from .rule_values import ELEMENTS

FLOATS = ("float64", "float32", "float16", "bfloat16")


def merge(parts, lses, *, sinks=None, return_lse=False, threads=None, target="cpu"):
    """One attention from P attentions over disjoint keys, each made with return_lse=True.

    parts       [P, B, H, M, Dv], or a sequence of P arrays [B, H, M, Dv]: the outputs
    lses        [P, B, H, M], or a sequence of P arrays [B, H, M]: float32, or float64 beside float64
    sinks       None or [H], which the parts were made without, since it counts once
    return_lse  the LSE over all keys as well, so that the result can be merged again

    A part whose LSE is -inf takes no part, whatever its output holds; where all are, the output is
    0 and the LSE -inf. Returns an array [B, H, M, Dv] of the kind and dtype of the parts, and the
    LSE [B, H, M]. TypeError and ValueError name the argument, what was expected and found.
    """
    parts, lses = stacked("parts", parts), stacked("lses", lses)
    dtype = dtype_of("parts", parts, FLOATS)
    accumulator = "float64" if dtype == "float64" else "float32"
    dtype_of("lses", lses, (accumulator,))
    shape = shape_of(parts)
    if len(shape) != 5:
        raise ValueError(f"parts: expected [P, B, H, M, Dv] of rank 5, found shape {shape}")
    if shape_of(lses) != shape[:4]:
        raise ValueError(
            f"lses: expected the shape of parts without Dv, {shape[:4]}, found {shape_of(lses)}"
        )
    arrays, kind = (parts, lses), None
    if sinks is not None:
        kind = ELEMENTS[dtype_of("sinks", sinks, FLOATS)]
        if shape_of(sinks) != shape[2:3]:
            raise ValueError(f"sinks: expected shape {shape[2:3]}, found {shape_of(sinks)}")
        arrays = (parts, lses, sinks)
    run = compiled(ELEMENTS[dtype], ELEMENTS[accumulator], kind, bool(return_lse), target, threads)
    return run(*arrays)


def stacked(name, arrays):
    """A list or tuple of arrays as one, which has them behind each other."""
    if not isinstance(arrays, (list, tuple)):
        return arrays
    if not arrays:
        raise ValueError(f"{name}: expected at least one array, found none")
    shapes = [shape_of(array) for array in arrays]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"{name}: expected arrays of one shape, found {shapes}")
    if type(arrays[0]).__module__.split(".")[0] == "torch":
        import torch

        return torch.stack(list(arrays))
    import numpy

    return numpy.stack([numpy.asarray(array) for array in arrays])


def shape_of(array):
    return tuple(int(size) for size in getattr(array, "shape", ()))


def dtype_of(name, array, allowed):
    found = str(getattr(array, "dtype", type(array).__name__)).removeprefix("torch.")
    if found not in allowed:
        raise TypeError(f"{name}: expected an array of {' or '.join(allowed)}, found {found}")
    return found


@functools.cache
def compiled(element, accumulator, sinks, return_lse, target, threads):
    """The entry for one choice of types; one for all sizes."""
    parts, lses = f"tensor<?x?x?x?x?x{element}>", f"tensor<?x?x?x?x{accumulator}>"
    results = [("%o", f"tensor<?x?x?x?x{element}>")]
    if return_lse:
        results.append(("%lse", f"tensor<?x?x?x{accumulator}>"))
    names, types = (", ".join(column) for column in zip(*results, strict=True))
    argument = clause = ""
    if sinks:
        argument, clause = f", %sinks: tensor<?x{sinks}>", f" sinks(%sinks : tensor<?x{sinks}>)"
    return compile(
        f"""func.func @merge(%parts: {parts}, %lses: {lses}{argument}) -> ({types}) {{
  {names} = attn.merge %parts, %lses{clause} : {parts}, {lses} -> {types}
  return {names} : {types}
}}
""",
        target=target,
        threads=threads,
    )
