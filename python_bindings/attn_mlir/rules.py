# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Python functions as score and mask regions of attn.sdpa.

A function is called once with traced values for (score,) b, h, m, n. Operators, and functions of
numpy and torch, on traced values write MLIR; everything else runs as Python and is a constant.
Arrays of numpy, torch or anything with DLPack that the function closes over, or finds among its
globals, become captures where they are indexed by traced values.

The functions take what FlexAttention's take (torch.nn.attention.flex_attention).
"""

import types

from .rule_ops import install
from .rule_values import Capture, RuleError, Traced, Writer

SCORE_PARAMETERS = ("score", "b", "h", "m", "n")
MASK_PARAMETERS = SCORE_PARAMETERS[1:]
install()


def trace(score_mod, mask_mod, accumulator):
    """(captures, types, arrays, score, mask, check) of the regions.

    captures   `%u0[h, n]` and so on, and types, `tensor<?x?xf32>`: the same length as arrays
    score      the lines that compute the score of %s and the positions, and its name; None without
               score_mod
    mask       the same of what is kept
    check      check(b, h, m, n), the sizes of a call, raises ValueError where a capture would be
               read outside of its array
    """
    writer = Writer(accumulator)
    score = mask = None
    if score_mod is not None:
        score = trace_one(writer, score_mod, "score_mod", SCORE_PARAMETERS)
    if mask_mod is not None:
        mask = trace_one(writer, mask_mod, "mask_mod", MASK_PARAMETERS)
    captures = writer.captures
    return (
        [capture.text for capture in captures],
        [capture.type for capture in captures],
        [capture.array for capture in captures],
        score,
        mask,
        writer.check,
    )


def trace_one(writer, function, name, parameters):
    """The lines of one region, and the name of what it yields."""
    if not callable(function):
        raise TypeError(f"{name}: expected None or a function, found {type(function).__name__}")
    writer.begin(name)
    arguments = [Traced.argument(writer, parameter) for parameter in parameters]
    try:
        result = with_captures(function, writer, {})(*arguments)
    except RuleError:
        raise
    except TypeError as error:
        if "positional argument" in str(error):
            expected = ", ".join(parameters)
            raise TypeError(
                f"{name}: expected a function of ({expected}), found {error}"
            ) from error
        raise
    kind = "float" if name == "score_mod" else "bool"
    result = writer.lift(result)
    if result is None or (result.kind == "bool") != (kind == "bool"):
        found = "another value" if result is None else f"a traced {result.kind}"
        what = "a score" if kind == "float" else "a truth value"
        raise TypeError(f"{name}: expected a function that returns {what}, found {found}")
    if kind == "float":
        result = result.to_float()
    return writer.end(), result.text


def is_array(value):
    return hasattr(value, "__dlpack__") or hasattr(value, "__array_interface__")


def with_captures(value, writer, seen):
    """`value` with its arrays as captures: what a function closes over, what stands in tuples."""
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, types.FunctionType):
        return function_with_captures(value, writer, seen)
    if isinstance(value, (tuple, list)) and type(value) in (tuple, list):
        return type(value)(with_captures(item, writer, seen) for item in value)
    if is_array(value) and getattr(value, "shape", ()) != ():
        return Capture(writer, value)
    return value


def function_with_captures(function, writer, seen):
    """A copy of `function` that finds captures where it found arrays."""
    names = names_of(function.__code__)
    scope = dict(function.__globals__)
    copy = types.FunctionType(
        function.__code__,
        scope,
        function.__name__,
        function.__defaults__,
        tuple(types.CellType() for _ in function.__closure__ or ()),
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    seen[id(function)] = copy
    for name in names & scope.keys():
        if isinstance(scope[name], types.FunctionType) and is_foreign(scope[name]):
            continue
        scope[name] = with_captures(scope[name], writer, seen)
    for cell, old in zip(copy.__closure__ or (), function.__closure__ or (), strict=True):
        try:
            cell.cell_contents = with_captures(old.cell_contents, writer, seen)
        except ValueError:
            continue  # not yet bound
    if function.__defaults__:
        copy.__defaults__ = with_captures(function.__defaults__, writer, seen)
    return copy


def is_foreign(function):
    """A library's own function: it works on traced values, or says that it does not."""
    root = (function.__module__ or "").split(".")[0]
    return root in ("numpy", "torch", "attn_mlir", "math")


def names_of(code):
    """The globals that a function and those written inside of it may use."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= names_of(constant)
    return names
