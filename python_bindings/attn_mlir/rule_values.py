# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Values of a score or mask rule while it is traced, and the MLIR that they stand for."""

import math
import struct

ELEMENTS = {
    "float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16",
    "int64": "i64", "int32": "i32", "int16": "i16", "int8": "i8", "bool": "i1",
}  # fmt: skip


class RuleError(TypeError):
    """A rule does what cannot be traced."""


class Writer:
    """The lines of a region, and the captures of both."""

    def __init__(self, accumulator):
        self.accumulator = accumulator
        self.captures = []
        self.lines, self.known, self.name, self.count = [], {}, "", 0

    def begin(self, name):
        self.lines, self.known, self.name = [], {}, name

    def end(self):
        """All lines of the region."""
        return "".join(f"      {line}\n" for line in self.lines)

    def type_of(self, kind):
        return {"float": self.accumulator, "int": "index", "bool": "i1"}[kind]

    def emit(self, kind, operation, affine=None):
        """A new value; the same operation twice is one."""
        if operation not in self.known:
            prefix = "s" if self.name == "score_mod" else "k"
            self.known[operation] = f"%{prefix}{self.count}"
            self.lines.append(f"{self.known[operation]} = {operation}")
            self.count += 1
        return Traced(self, kind, self.known[operation], affine)

    def constant(self, kind, value):
        if kind == "float":
            return self.emit(kind, f"arith.constant {float_text(value, self.accumulator)}")
        if kind == "bool":
            return self.emit(kind, f"arith.constant {'true' if value else 'false'}")
        return self.emit(kind, f"arith.constant {value} : index", Affine({}, value))

    def raw_constant(self, value, type_):
        """An integer constant of a captured element's type, if it fits."""
        bits = int(type_[1:])
        if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            return None
        return self.emit("int", f"arith.constant {value} : {type_}").text

    def lift(self, value):
        """A Python or numpy number as a traced value; None for anything else."""
        if isinstance(value, Traced):
            return value
        if hasattr(value, "item") and getattr(value, "shape", None) == ():
            value = value.item()
        if isinstance(value, bool):
            return self.constant("bool", value)
        if isinstance(value, int):
            if not -(2**62) < value < 2**62:
                raise RuleError(f"{self.name}: expected integers of 62 bits, found {value}")
            return self.constant("int", value)
        return self.constant("float", value) if isinstance(value, float) else None

    def fail(self, message):
        raise RuleError(f"{self.name}: {message}")

    def check(self, b, h, m, n):
        for capture in self.captures:
            capture.check({"b": b, "h": h, "m": m, "n": n})


def float_text(value, type_):
    """An MLIR literal that is exactly `value` in `type_`."""
    if math.isfinite(value):
        return f"{value:.17e} : {type_}"
    bits = struct.pack(">d" if type_ == "f64" else ">f", value).hex().upper()
    return f"0x{bits} : {type_}"


class Part:
    """x floordiv c or x mod c of an index, as a term of another: equal ones are one."""

    def __init__(self, operation, source, by):
        self.operation, self.source, self.by = operation, source, by
        self.text = f"(({source.text()}) {operation} {by})"

    def __eq__(self, other):
        return isinstance(other, Part) and self.text == other.text

    def __hash__(self):
        return hash(self.text)

    def __str__(self):
        return self.text

    def bounds(self, sizes):
        least, largest = self.source.bounds(sizes)
        if self.operation == "floordiv":
            return least // self.by, largest // self.by
        return 0, min(self.by - 1, largest) if least >= 0 else self.by - 1


class Affine:
    """c + sum of coefficients times positions, or parts of them: what a capture can be indexed by."""

    def __init__(self, terms, constant=0):
        self.terms = {name: c for name, c in terms.items() if c}
        self.constant = constant

    def plus(self, other, sign=1):
        terms = dict(self.terms)
        for name, c in other.terms.items():
            terms[name] = terms.get(name, 0) + sign * c
        return Affine(terms, self.constant + sign * other.constant)

    def times(self, factor):
        return Affine({n: c * factor for n, c in self.terms.items()}, self.constant * factor)

    def text(self):
        parts = [str(name) if c == 1 else f"{name} * {c}" for name, c in self.terms.items()]
        if self.constant or not parts:
            parts.append(str(self.constant))
        return " + ".join(parts)

    def bounds(self, sizes):
        """The least and the largest value over all positions."""
        ends = []
        for name, c in self.terms.items():
            least, largest = name.bounds(sizes) if name in self.parts else (0, sizes[name] - 1)
            ends.append((c * least, c * largest))
        return (self.constant + sum(min(end) for end in ends),
                self.constant + sum(max(end) for end in ends))  # fmt: skip

    @property
    def parts(self):
        return [name for name in self.terms if isinstance(name, Part)]

    @property
    def never_negative(self):
        positive = self.constant >= 0 and all(c >= 0 for c in self.terms.values())
        return positive and all(
            part.operation == "mod" or part.source.never_negative for part in self.parts
        )

    def part(self, operation, by):
        """This index `floordiv` or `mod` a positive integer."""
        return Affine({Part(operation, self, by): 1})


class Capture:
    """An array outside of the rule. Indexed by traced values it is an element of a capture."""

    def __init__(self, writer, array):
        self.writer, self.array = writer, array
        self.shape = tuple(int(size) for size in array.shape)

    def __getattr__(self, name):
        return getattr(self.array, name)

    def __len__(self):
        return len(self.array)

    def __getitem__(self, indices):
        listed = indices if isinstance(indices, tuple) else (indices,)
        if not any(isinstance(index, Traced) for index in listed):
            from .rules import with_captures

            return with_captures(self.array[indices], self.writer, {})
        writer = self.writer
        if len(listed) != len(self.shape):
            writer.fail(
                f"expected {len(self.shape)} indices of a captured array, found {len(listed)}"
            )
        lifted = [writer.lift(index) for index in listed]
        affine = [
            value.affine if value is not None and value.kind == "int" else None for value in lifted
        ]
        if None in affine:
            raise NotImplementedError(
                f"{writer.name}: expected captured arrays indexed by sums of b, h, m, n and integers,"
                f" found another value as index {affine.index(None)}"
            )
        return Element.of(self, affine).value()


class Element:
    """One capture of the op: an array and how it is indexed."""

    def __init__(self, capture, affine, number):
        self.array, self.affine, self.name = capture.array, affine, capture.writer.name
        self.shape, self.number = capture.shape, number
        dtype = str(getattr(self.array, "dtype", "")).removeprefix("torch.")
        if dtype not in ELEMENTS:
            raise RuleError(
                f"{self.name}: expected a captured array of floats, integers or bool, found {dtype}"
            )
        self.element = ELEMENTS[dtype]
        self.writer = capture.writer

    @staticmethod
    def of(capture, affine):
        """The capture of the op for this array and these indices; a new one where there is none."""
        captures = capture.writer.captures
        wanted = [a.text() for a in affine]
        for known in captures:
            if known.array is capture.array and [a.text() for a in known.affine] == wanted:
                return known
        captures.append(Element(capture, affine, len(captures)))
        return captures[-1]

    @property
    def type(self):
        return "tensor<" + "?x" * len(self.shape) + self.element + ">"

    @property
    def text(self):
        return f"%c{self.number}[{', '.join(a.text() for a in self.affine)}]"

    def value(self):
        """The element as a traced value."""
        name, writer = f"%e{self.number}", self.writer
        if self.element == "i1":
            return Traced(writer, "bool", name)
        if self.element[0] == "i":
            value = writer.emit("int", f"arith.index_cast {name} : {self.element} to index")
            value.raw = (name, self.element)
            return value
        to = writer.accumulator
        if self.element == to:
            return Traced(writer, "float", name)
        narrower = self.element == "f64"
        return writer.emit(
            "float", f"arith.{'truncf' if narrower else 'extf'} {name} : {self.element} to {to}"
        )

    def check(self, sizes):
        if 0 in sizes.values():
            return
        for dim, (affine, size) in enumerate(zip(self.affine, self.shape, strict=True)):
            least, largest = affine.bounds(sizes)
            if least < 0 or largest >= size:
                raise ValueError(
                    f"{self.name}: expected indices from 0 to {size - 1} in dimension {dim} of a "
                    f"captured array, found {affine.text()} from {least} to {largest}"
                )


class Traced:
    """A number of a rule: `kind` is float, int or bool, `text` its MLIR value."""

    __slots__ = ("affine", "kind", "raw", "text", "writer")

    def __init__(self, writer, kind, text, affine=None):
        self.writer, self.kind, self.text, self.affine = writer, kind, text, affine
        self.raw = None  # of a captured integer: its value and type, before it became an index

    @staticmethod
    def argument(writer, name):
        if name == "score":
            return Traced(writer, "float", "%s")
        return Traced(writer, "int", f"%{name}", Affine({name: 1}))

    def to_float(self):
        writer = self.writer
        if self.kind == "float":
            return self
        if self.kind == "bool":
            return writer.emit("float", f"arith.uitofp {self.text} : i1 to {writer.accumulator}")
        wide = writer.emit("int", f"arith.index_cast {self.text} : index to i64")
        return writer.emit("float", f"arith.sitofp {wide.text} : i64 to {writer.accumulator}")

    def to_int(self):
        if self.kind == "bool":
            zero, one = self.writer.constant("int", 0), self.writer.constant("int", 1)
            return self.writer.emit(
                "int", f"arith.select {self.text}, {one.text}, {zero.text} : index"
            )
        if self.kind == "float":
            self.writer.fail("expected an integer, found a float")
        return self

    def to_bool(self):
        if self.kind != "bool":
            self.writer.fail(
                f"expected truth values, found a traced {self.kind}; compare it with 0"
            )
        return self

    def __bool__(self):
        raise RuleError(
            f"{self.writer.name}: expected no Python branch on a traced value "
            "(if, and, or, not, min, max); use &, |, ~ or where"
        )

    def __index__(self):
        raise RuleError(
            f"{self.writer.name}: expected no use of a traced value as a Python integer"
        )

    __int__ = __float__ = __iter__ = __index__

    # FlexAttention's and_masks and or_masks begin with these.
    def new_ones(self, *_, **__):
        return self.writer.constant("bool", True)

    def new_zeros(self, *_, **__):
        return self.writer.constant("bool", False)
