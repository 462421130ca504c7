# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What can be done with traced values: operators, and functions of numpy and torch by name."""

from .rule_values import Traced

COMPARISONS = {  # name: of integers, of floats
    "lt": ("slt", "olt"), "le": ("sle", "ole"), "gt": ("sgt", "ogt"),
    "ge": ("sge", "oge"), "eq": ("eq", "oeq"), "ne": ("ne", "une"),
}  # fmt: skip
MATH = {
    "exp": "exp", "exp2": "exp2", "log": "log", "log2": "log2", "log1p": "log1p", "expm1": "expm1",
    "tanh": "tanh", "sqrt": "sqrt", "rsqrt": "rsqrt", "sin": "sin", "cos": "cos", "erf": "erf",
    "floor": "floor", "ceil": "ceil",
}  # fmt: skip


def unify(x, y):
    """Both of one kind: float, if one is, else int; two truth values stay."""
    if x.kind == y.kind:
        return x, y
    if "float" in (x.kind, y.kind):
        return x.to_float(), y.to_float()
    return x.to_int(), y.to_int()


def never_negative(x):
    return x.affine is not None and x.affine.never_negative


def add(x, y, sign=1):
    x, y = unify(x, y)
    if x.kind == "bool":
        x, y = x.to_int(), y.to_int()
    name = "add" if sign > 0 else "sub"
    if x.kind == "float":
        return x.writer.emit("float", f"arith.{name}f {x.text}, {y.text} : {x.writer.accumulator}")
    affine = x.affine.plus(y.affine, sign) if x.affine and y.affine else None
    return x.writer.emit("int", f"arith.{name}i {x.text}, {y.text} : index", affine)


def subtract(x, y):
    return add(x, y, -1)


def multiply(x, y):
    x, y = unify(x, y)
    if x.kind == "bool":
        return logic("and", x, y)
    if x.kind == "float":
        return x.writer.emit("float", f"arith.mulf {x.text}, {y.text} : {x.writer.accumulator}")
    affine = None
    if x.affine and y.affine and not (x.affine.terms and y.affine.terms):
        scaled, by = (x, y) if not y.affine.terms else (y, x)
        affine = scaled.affine.times(by.affine.constant)
    return x.writer.emit("int", f"arith.muli {x.text}, {y.text} : index", affine)


def divide(x, y):
    x, y = x.to_float(), y.to_float()
    return x.writer.emit("float", f"arith.divf {x.text}, {y.text} : {x.writer.accumulator}")


def floor_divide(x, y):
    x, y = unify(x, y)
    if x.kind == "float":
        return function("floor", divide(x, y))
    x, y = x.to_int(), divisor(y.to_int())
    name = "divsi" if never_negative(x) else "floordivsi"
    affine = x.affine.part("floordiv", y.affine.constant) if x.affine else None
    return x.writer.emit("int", f"arith.{name} {x.text}, {y.text} : index", affine)


def remainder(x, y):
    """As Python's: with the sign of y."""
    x, y = unify(x, y)
    if x.kind == "float":
        return subtract(x, multiply(floor_divide(x, y), y))
    x, y = x.to_int(), divisor(y.to_int())
    affine = x.affine.part("mod", y.affine.constant) if x.affine else None
    if never_negative(x):
        return x.writer.emit("int", f"arith.remsi {x.text}, {y.text} : index", affine)
    rest = subtract(x, multiply(floor_divide(x, y), y))
    rest.affine = affine
    return rest


def divisor(y):
    """A positive constant: what a rule divides by is never 0 in any lane."""
    if y.affine is None or y.affine.terms or y.affine.constant <= 0:
        y.writer.fail("expected a positive Python integer behind // and %, found another value")
    return y


def power(x, y):
    if y.affine is not None and not y.affine.terms and 0 <= y.affine.constant <= 16:
        result = x.writer.constant("float" if x.kind == "float" else "int", 1)
        for _ in range(y.affine.constant):
            result = multiply(result, x)
        return result
    x, y = x.to_float(), y.to_float()
    return x.writer.emit("float", f"math.powf {x.text}, {y.text} : {x.writer.accumulator}")


def compare(name, x, y):
    x, y = unify(x, y)
    if x.kind == "bool":
        x, y = x.to_int(), y.to_int()
    integers, floats = COMPARISONS[name]
    if raw := raw_pair(x, y):
        return x.writer.emit("bool", f"arith.cmpi {integers}, {raw[0]}, {raw[1]} : {raw[2]}")
    if x.kind == "float":
        return x.writer.emit(
            "bool", f"arith.cmpf {floats}, {x.text}, {y.text} : {x.writer.accumulator}"
        )
    return x.writer.emit("bool", f"arith.cmpi {integers}, {x.text}, {y.text} : index")


def raw_pair(x, y):
    """Two captured integers, or one and a constant, in the captures' type: all bits count."""
    for a, b in ((x, y), (y, x)):
        if a.raw and b.raw and a.raw[1] == b.raw[1]:
            return x.raw[0], y.raw[0], a.raw[1]
        if a.raw and b.affine is not None and not b.affine.terms:
            constant = a.writer.raw_constant(b.affine.constant, a.raw[1])
            if constant:
                texts = (a.raw[0], constant) if a is x else (constant, a.raw[0])
                return *texts, a.raw[1]
    return None


def logic(name, x, y):
    if x.kind == y.kind == "int":
        return x.writer.emit("int", f"arith.{name}i {x.text}, {y.text} : index")
    x, y = x.to_bool(), y.to_bool()
    return x.writer.emit("bool", f"arith.{name}i {x.text}, {y.text} : i1")


def invert(x):
    return logic("xor", x.to_bool(), x.writer.constant("bool", True))


def negate(x):
    zero = x.writer.constant("int", 0)
    if x.kind == "float":
        return x.writer.emit("float", f"arith.negf {x.text} : {x.writer.accumulator}")
    return subtract(zero, x.to_int())


def absolute(x):
    if x.kind == "float":
        return x.writer.emit("float", f"math.absf {x.text} : {x.writer.accumulator}")
    x = x.to_int()
    return where(compare("lt", x, x.writer.constant("int", 0)), negate(x), x)


def where(condition, x, y):
    condition, (x, y) = condition.to_bool(), unify(x, y)
    kind = x.writer.type_of(x.kind)
    return x.writer.emit(x.kind, f"arith.select {condition.text}, {x.text}, {y.text} : {kind}")


def extremum(name, x, y):
    """The larger or the smaller; a NaN stays."""
    x, y = unify(x, y)
    if x.kind == "float":
        return x.writer.emit(
            "float", f"arith.{name}imumf {x.text}, {y.text} : {x.writer.accumulator}"
        )
    x, y = x.to_int(), y.to_int()
    return x.writer.emit("int", f"arith.{name}si {x.text}, {y.text} : index")


def function(name, x):
    x = x.to_float()
    return x.writer.emit("float", f"math.{MATH[name]} {x.text} : {x.writer.accumulator}")


def sigmoid(x):
    one = x.writer.constant("float", 1.0)
    return divide(one, add(one, function("exp", negate(x.to_float()))))


BINARY = {
    "add": add, "sub": subtract, "mul": multiply, "truediv": divide, "floordiv": floor_divide,
    "mod": remainder, "pow": power,
    "and": lambda x, y: logic("and", x, y), "or": lambda x, y: logic("or", x, y),
    "xor": lambda x, y: logic("xor", x, y),
}  # fmt: skip

# The names of numpy, torch and torch.Tensor.
FUNCTIONS = {
    **BINARY,
    **{name: lambda x, y, name=name: compare(name, x, y) for name in COMPARISONS},
    **{name: lambda x, name=name: function(name, x) for name in MATH},
    "subtract": subtract, "multiply": multiply, "divide": divide, "true_divide": divide,
    "floor_divide": floor_divide, "remainder": remainder, "power": power, "float_power": power,
    "bitwise_and": BINARY["and"], "bitwise_or": BINARY["or"], "bitwise_xor": BINARY["xor"],
    "logical_and": BINARY["and"], "logical_or": BINARY["or"], "logical_xor": BINARY["xor"],
    "bitwise_not": invert, "logical_not": invert, "invert": invert,
    "less": lambda x, y: compare("lt", x, y),
    "less_equal": lambda x, y: compare("le", x, y), "greater": lambda x, y: compare("gt", x, y),
    "greater_equal": lambda x, y: compare("ge", x, y), "equal": lambda x, y: compare("eq", x, y),
    "not_equal": lambda x, y: compare("ne", x, y),
    "neg": negate, "negative": negate, "abs": absolute, "absolute": absolute, "fabs": absolute,
    "where": where, "sigmoid": sigmoid,
    "maximum": lambda x, y: extremum("max", x, y), "minimum": lambda x, y: extremum("min", x, y),
    "fmax": lambda x, y: extremum("max", x, y), "fmin": lambda x, y: extremum("min", x, y),
}  # fmt: skip


def call(name, arguments, keywords):
    """A function of a library on values of which one is traced."""
    writer = next(a.writer for a in [*arguments, *keywords.values()] if isinstance(a, Traced))
    name = name.removeprefix("__").removesuffix("__")
    if name.startswith("r") and name[1:] in BINARY:
        name, arguments = name[1:], arguments[::-1]
    if name not in FUNCTIONS:
        writer.fail(f"expected a function that a rule can have, found {name}")
    if keywords:
        writer.fail(f"expected no keyword arguments of {name}, found {min(keywords)}")
    lifted = []
    for argument in arguments:
        lifted.append(writer.lift(argument))
        if lifted[-1] is None:
            found = type(argument).__name__
            writer.fail(f"expected numbers and traced values as arguments of {name}, found {found}")
    return FUNCTIONS[name](*lifted)


def method(name, swapped=False):
    def operator(self, *others):
        return call(name, (*others, self) if swapped else (self, *others), {})

    return operator


def install():
    """Gives Traced its operators and what numpy and torch call."""
    for name in BINARY:
        setattr(Traced, f"__{name}__", method(name))
        setattr(Traced, f"__r{name}__", method(name, swapped=True))
    for name in COMPARISONS:
        setattr(Traced, f"__{name}__", method(name))
    for name in ("neg", "abs", "invert"):
        setattr(Traced, f"__{name}__", method(name))
    for name in ("tanh", "exp", "abs", "sigmoid", "sqrt", "log"):
        setattr(Traced, name, method(name))
    Traced.__pos__ = lambda self: self
    Traced.__hash__ = object.__hash__
    Traced.__torch_function__ = classmethod(
        lambda cls, function, types, arguments=(), keywords=None: call(
            function.__name__, arguments, keywords or {}
        )
    )
    Traced.__array_ufunc__ = lambda self, ufunc, how, *arguments, **keywords: call(
        ufunc.__name__ if how == "__call__" else f"{ufunc.__name__}.{how}", arguments, keywords
    )
    Traced.__array_function__ = lambda self, function, types, arguments, keywords: call(
        function.__name__, arguments, keywords
    )
