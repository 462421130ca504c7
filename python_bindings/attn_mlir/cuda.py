# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a bundle (`attn-compile --emit=bundle`) on a GPU, on torch CUDA tensors.

    entry = attn_mlir.cuda.load("attention.bundle")
    output = entry(q, k, v)

Needs the GPU's driver and torch, nothing else of attn-mlir; this file can be used alone. The
kernels run on torch's current stream. docs/gpu.md describes the format.
"""

import ctypes
import functools
import hashlib
import json
import struct

MAGIC = b"attn-bundle v1\r\n"
HEADER = 64
ALIGNMENT = 64
# CU_TENSOR_MAP_DATA_TYPE_*, bytes.
MAP_TYPES = {"f16": (6, 2), "bf16": (9, 2), "f32": (7, 4)}
SHARED_BYTES, LOCAL_BYTES, REGISTERS, DYNAMIC_SHARED_BYTES = 1, 3, 4, 8


class CudaError(RuntimeError):
    """The driver is missing or refused a call, or the GPU is another than the bundle's."""


class BundleError(ValueError):
    """A file that is no bundle, or a damaged one."""


def align(size):
    return -(-size // ALIGNMENT) * ALIGNMENT


class Bundle:
    """The manifest and the images of a bundle, checked."""

    def __init__(self, data, name="bundle"):
        self.name = name
        if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
            raise BundleError(f"{name}: not an attn-mlir bundle")
        if len(data) < HEADER:
            raise BundleError(f"{name}: truncated: {len(data)} bytes")
        total, size = struct.unpack_from("<QQ", data, len(MAGIC))
        if total != len(data):
            raise BundleError(f"{name}: expected {total} bytes, found {len(data)}: truncated?")
        manifest = data[HEADER : HEADER + size]
        if len(manifest) != size or hashlib.sha256(manifest).digest() != data[32:HEADER]:
            raise BundleError(f"{name}: the manifest is damaged (its SHA-256 differs)")
        self.manifest = json.loads(manifest)
        self.images = data[align(HEADER + size) :]
        for module in self.manifest["modules"]:
            for kind in ("cubin", "ptx"):
                self.image(module, kind)

    @classmethod
    def read(cls, path):
        with open(path, "rb") as file:
            return cls(file.read(), str(path))

    def image(self, module, kind):
        place = module[kind]
        image = self.images[place["offset"] : place["offset"] + place["size"]]
        if hashlib.sha256(image).hexdigest() != place["sha256"]:
            raise BundleError(f"{self.name}: the {kind} of module '{module['name']}' is damaged")
        return image


def f32(value):
    """Rounds to f32, as the kernels' host part computes."""
    return ctypes.c_float(value).value


OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "floordiv": lambda a, b: a // b,
    "ceildiv": lambda a, b: -(-a // b),
    "mod": lambda a, b: a % b,
    "min": min,
    "max": max,
    "fadd": lambda a, b: f32(f32(a) + f32(b)),
    "fsub": lambda a, b: f32(f32(a) - f32(b)),
    "fmul": lambda a, b: f32(f32(a) * f32(b)),
    "fdiv": lambda a, b: f32(f32(a) / f32(b)),
}


def evaluate(expression, arguments):
    """A number of the manifest for these arguments (tensors and Python numbers)."""
    if not isinstance(expression, list):
        return expression
    name, *operands = expression
    if name == "size":
        return arguments[operands[0]].shape[operands[1]]
    if name == "stride":
        return arguments[operands[0]].stride(operands[1])
    if name == "scalar":
        return arguments[operands[0]]
    return OPERATIONS[name](*(evaluate(operand, arguments) for operand in operands))


NUMBERS = {
    "i32": ctypes.c_int32,
    "i64": ctypes.c_int64,
    "f32": ctypes.c_float,
    "f64": ctypes.c_double,
}


def kernel_number(kind, value):
    """A number as a kernel takes it. An integer that does not fit is an error."""
    made = NUMBERS[kind](value)
    if kind in ("i32", "i64") and made.value != value:
        raise ValueError(f"a kernel takes {kind}, but a size or an offset is {value}")
    return made


RELATIONS = {
    "equal": (lambda a, b: a == b, "equal to"),
    "at_least": (lambda a, b: a >= b, "at least"),
    "multiple_of": (lambda a, b: a == b or (b != 0 and a % b == 0), "a multiple of"),
}


def check_sizes(manifest, arguments):
    """A ValueError where the sizes of the arguments do not fit each other."""
    for relation, size, other in manifest["rules"]:
        holds, words = RELATIONS[relation]
        found, wanted = evaluate(size, arguments), evaluate(other, arguments)
        if not holds(found, wanted):
            _, argument, dim = size if isinstance(size, list) else other
            name = manifest["arguments"][argument].get("name", f"#{argument}")
            raise ValueError(
                f"argument {name}: size {dim} does not fit the other arguments: "
                f"expected {words} {wanted}, found {found}"
            )


class Driver:
    """libcuda, loaded when it is first needed."""

    def __init__(self):
        try:
            self.library = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise CudaError(f"no NVIDIA driver on this machine ({error})") from None

    def call(self, name, *arguments):
        code = getattr(self.library, name)(*arguments)
        if code:
            text = ctypes.c_char_p()
            self.library.cuGetErrorString(code, ctypes.byref(text))
            reason = text.value.decode() if text.value else "unknown error"
            raise CudaError(f"{name} failed: {reason} ({code})")

    def load_function(self, image, name):
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuModuleLoadData", ctypes.byref(module), image)
        self.call("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
        return function

    def attribute(self, function, which):
        value = ctypes.c_int()
        self.call("cuFuncGetAttribute", ctypes.byref(value), which, function)
        return value.value

    def tensor_map(self, address, dtype, sizes, strides, box):
        """The 128 bytes that describe a tensor, in a buffer that starts on 64 bytes."""
        rank = len(sizes)
        buffer = ctypes.create_string_buffer(192)
        place = (ctypes.addressof(buffer) + 63) & ~63
        if 0 in sizes:  # there is no map of an empty tensor, and kernels leave it alone
            return buffer, place
        self.call(
            "cuTensorMapEncodeTiled",
            ctypes.c_void_p(place),
            MAP_TYPES[dtype][0],
            rank,
            ctypes.c_void_p(address),
            (ctypes.c_uint64 * rank)(*sizes),
            (ctypes.c_uint64 * (rank - 1))(*strides),
            (ctypes.c_uint32 * rank)(*box),
            (ctypes.c_uint32 * rank)(*([1] * rank)),
            0,  # no interleave
            3,  # 128-byte swizzle
            2,  # L2 promotion to 128 bytes
            0,  # zeros outside
        )
        return buffer, place


driver = functools.cache(Driver)


class Entry:
    """A bundle on the current GPU. Call it with the arguments of its entry."""

    def __init__(self, bundle):
        import torch  # only here: reading a bundle needs no torch

        self.torch = torch
        self.bundle = bundle
        self.manifest = bundle.manifest
        self.driver = driver()
        if not torch.cuda.is_available():
            raise CudaError("torch sees no CUDA device")
        torch.cuda.init()
        torch.zeros(1, device="cuda")  # makes the context current
        self.modules = {module["name"]: module for module in self.manifest["modules"]}
        self.check_device()
        self.functions, self.attributes = {}, {}
        for kernel in self.manifest["kernels"]:
            image = bundle.image(self.modules[kernel["module"]], "cubin")
            function = self.driver.load_function(image, kernel["name"])
            found = {
                "registers": self.driver.attribute(function, REGISTERS),
                "local_bytes": self.driver.attribute(function, LOCAL_BYTES),
            }
            if found["local_bytes"] > kernel["stack_bytes"]:
                raise CudaError(f"kernel '{kernel['name']}' spills registers on this GPU")
            self.functions[kernel["name"]] = function
            self.attributes[kernel["name"]] = found

    def check_device(self):
        major, minor = self.torch.cuda.get_device_capability()
        for module in self.modules.values():
            arch = module["arch"].removeprefix("sm_")
            number = int(arch.rstrip("af"))
            same = (number // 10, number % 10) == (major, minor)
            newer = number // 10 == major and number % 10 <= minor and arch.isdigit()
            if not (same or newer):
                raise CudaError(
                    f"{self.bundle.name}: expected a GPU of {module['arch']}, "
                    f"found sm_{major}{minor}"
                )

    def check(self, arguments):
        expected = self.manifest["arguments"]
        if len(arguments) != len(expected):
            raise TypeError(f"expected {len(expected)} arguments, found {len(arguments)}")
        dtypes = {"f16": "float16", "bf16": "bfloat16", "f32": "float32", "i32": "int32"}
        dtypes |= {"f64": "float64", "i64": "int64", "i8": "int8", "i1": "bool"}
        for i, (value, want) in enumerate(zip(arguments, expected, strict=True)):
            name = f"argument {i}" + (f" ({want['name']})" if "name" in want else "")
            if want.get("scalar"):
                continue
            if not self.torch.is_tensor(value) or not value.is_cuda:
                raise TypeError(f"{name}: expected a torch tensor on the GPU")
            if str(value.dtype) != "torch." + dtypes[want["dtype"]]:
                raise TypeError(f"{name}: expected {want['dtype']}, found {value.dtype}")
            if len(want["shape"]) != value.dim() or any(
                a not in (-1, b) for a, b in zip(want["shape"], value.shape, strict=True)
            ):
                raise ValueError(
                    f"{name}: expected shape {want['shape']}, found {list(value.shape)}"
                )
            if "strides" not in want and not value.is_contiguous():
                raise ValueError(f"{name}: expected a contiguous tensor")
            if value.data_ptr() % 16:
                raise ValueError(f"{name}: expected memory that starts on 16 bytes")
        check_sizes(self.manifest, arguments)

    def buffers(self, arguments, outputs):
        """The buffers of the workspace; results among them are tensors of their own."""
        torch, buffers = self.torch, []
        results = {result["buffer"]: result for result in self.manifest["results"]}
        dtypes = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32}
        dtypes |= {"f64": torch.float64, "i32": torch.int32, "i64": torch.int64}
        dtypes |= {"i8": torch.int8, "i1": torch.bool}
        for i, size in enumerate(self.manifest["workspace"]):
            if i in results:
                if outputs is not None:
                    index = self.manifest["results"].index(results[i])
                    buffers.append(outputs[index])
                    continue
                shape = [evaluate(x, arguments) for x in results[i]["shape"]]
                dtype = dtypes[results[i]["dtype"]]
                buffers.append(torch.empty(shape, dtype=dtype, device="cuda"))
            else:
                count = max(evaluate(size, arguments), 1)
                buffers.append(torch.empty(count, dtype=torch.uint8, device="cuda"))
        return buffers

    def prepare(self, *arguments, outputs=None):
        """A function that launches on these arguments and the results it fills.

        Launches again and again into the same results; what benchmarks time.
        """
        self.check(arguments)
        buffers = self.buffers(arguments, outputs)
        launches, keep = [], [arguments, buffers]
        for launch in self.manifest["launches"]:
            grid = [evaluate(x, arguments) for x in launch["grid"]]
            if 0 in grid:
                continue
            if max(grid[1:]) > 65535:
                raise ValueError(
                    f"a grid has at most 65535 heads and batches, but these are {grid[1:]}: "
                    "compile with the sizes in the types"
                )
            values = [
                self.argument(kind, value, arguments, buffers, keep)
                for item in launch["arguments"]
                for kind, value in item.items()
            ]
            block = [evaluate(x, arguments) for x in launch["block"]]
            shared = evaluate(launch["dynamic_shared_bytes"], arguments)
            function = self.functions[launch["kernel"]]
            self.driver.call("cuFuncSetAttribute", function, DYNAMIC_SHARED_BYTES, shared)
            pointers = (ctypes.c_void_p * len(values))(*values)
            launches.append((function, *grid, *block, shared, pointers))
        results = [buffers[result["buffer"]] for result in self.manifest["results"]]

        def run(keep=keep):
            stream = ctypes.c_void_p(self.torch.cuda.current_stream().cuda_stream)
            for *what, pointers in launches:
                self.driver.call("cuLaunchKernel", *what, stream, pointers, None)

        return run, results

    def argument(self, kind, value, arguments, buffers, keep):
        """The address of a kernel argument's value."""
        if kind in ("pointer", "tensor_map"):
            base = arguments[value["argument"]] if "argument" in value else None
            base = buffers[value["workspace"]] if base is None else base
            address = base.data_ptr() + evaluate(value.get("offset", 0), arguments)
        if kind == "tensor_map":
            sizes, strides = (
                [evaluate(x, arguments) for x in value[word]] for word in ("sizes", "strides")
            )
            buffer, place = self.driver.tensor_map(
                address, value["dtype"], sizes, strides, value["box"]
            )
            keep.append(buffer)
            return place
        if kind == "pointer":
            number = ctypes.c_uint64(address)
        else:
            number = kernel_number(kind, evaluate(value, arguments))
        keep.append(number)
        return ctypes.addressof(number)

    def __call__(self, *arguments):
        run, results = self.prepare(*arguments)
        run()
        return results[0] if len(results) == 1 else tuple(results)


def load(path):
    """Loads a bundle for the current GPU."""
    return Entry(Bundle.read(path))
