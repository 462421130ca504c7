# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn_mlir.compile: sources, calls, errors; and the package's own files."""

import ctypes
import pathlib
import pickle
import subprocess
import sys

import attention_judge as judge
import ml_dtypes
import numpy as np
import pytest

import attn_mlir

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python_bindings/attn_mlir"

SOURCE = """
func.func @attention(%q: tensor<1x2x?x4xf32>, %k: tensor<1x2x?x4xf32>, %v: tensor<1x2x?x4xf32>,
                     %scale: f32) -> (tensor<1x2x?x4xf32>, tensor<1x2x?xf32>) {
  %o, %lse = attn.sdpa %q, %k, %v scale(%scale) returns(lse)
    : tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32> -> tensor<1x2x?x4xf32>, tensor<1x2x?xf32>
  return %o, %lse : tensor<1x2x?x4xf32>, tensor<1x2x?xf32>
}
"""


def numbers(*shape, dtype=np.float32):
    return np.random.default_rng(7).normal(0, 1, shape).astype(dtype)


@pytest.fixture(scope="module")
def attention():
    return attn_mlir.compile(SOURCE)


@pytest.fixture
def arrays():
    return numbers(1, 2, 3, 4), numbers(1, 2, 5, 4), numbers(1, 2, 5, 4)


def test_call(attention, arrays):
    output, lse = attention(*arrays, 0.5)
    expected, expected_lse, bound, lse_bound = judge.attention(*arrays, scale=0.5)
    judge.assert_within(output, expected, bound, "output")
    judge.assert_within(lse, expected_lse, lse_bound, "lse")
    # A number may be an array without dimensions, or an integer.
    for scale in (np.array(0.5, np.float32), np.float32(0.5)):
        assert np.array_equal(attention(*arrays, scale)[0], output)
    assert np.array_equal(attention(*arrays, 1)[0], attention(*arrays, 1.0)[0])


def test_out(attention, arrays):
    output, lse = attention(*arrays, 0.5)
    out = np.empty_like(output)[..., ::-1], np.empty_like(lse)
    assert attention(*arrays, 0.5, out=out) is out
    assert np.array_equal(out[0], output) and np.array_equal(out[1], lse)


LAYER = """
func.func @layer(%x: tensor<1x?x32xf32>, %wqkv: tensor<96x32xf32> {attn.weight}, %scale: f32,
                 %wo: tensor<32x32xf32> {attn.weight}) -> tensor<1x?x32xf32> {
  %y = attn.mha %x packed(%wqkv, %wo) heads(2) scale(%scale)
    : tensor<1x?x32xf32>, tensor<96x32xf32>, tensor<32x32xf32> -> tensor<1x?x32xf32>
  return %y : tensor<1x?x32xf32>
}
"""


def test_prepack():
    layer = attn_mlir.compile(LAYER)
    x, wqkv, wo = numbers(1, 5, 32), numbers(96, 32), numbers(32, 32)
    expected = layer(x, wqkv, 0.5, wo)
    # Of any strides; they are copied.
    given = np.asfortranarray(wqkv), np.repeat(wo, 2, 1)[:, ::2]
    ready = layer.prepack(*given)
    for array in given:
        array[:] = np.nan
    for _ in range(2):
        assert np.array_equal(ready(x, 0.5), expected)
    out = np.empty_like(expected)
    assert ready(x, 0.5, out=out) is out and np.array_equal(out, expected)
    # It lives without the first, which goes on as it was.
    assert np.array_equal(layer(x, wqkv, 0.5, wo), expected)
    del layer
    assert np.array_equal(ready(numbers(1, 5, 32), 0.5), expected)
    assert ready.signature == "layer(x: 1x?x32xf32, scale: f32) -> 1x?x32xf32"


def test_wrong_prepack(attention):
    layer = attn_mlir.compile(LAYER)
    wqkv, wo = numbers(96, 32), numbers(32, 32)
    ready = layer.prepack(wqkv, wo)
    for call, error, message in [
        (lambda: layer.prepack(wqkv), TypeError, "layer: expected 2 weights, found 1"),
        (lambda: layer.prepack(wqkv, wo.astype(np.float64)), TypeError, "wo: expected float32, found float64"),
        (lambda: layer.prepack(wo, wo), ValueError, "argument #1 (%wqkv): expected 96x32xf32, but got 32x32xf32"),
        (lambda: ready(numbers(1, 5, 32), wqkv, 0.5, wo), TypeError, "layer: expected 2 arguments, found 4"),
        (lambda: ready.prepack(wqkv, wo), ValueError, "prepack: expected an Executable without weights, found a prepacked one"),
        (lambda: attention.prepack(), ValueError, "attention: expected arguments marked attn.weight, found none"),
    ]:  # fmt: skip
        with pytest.raises(error) as info:
            call()
        assert str(info.value) == message


def test_describes_itself(attention):
    assert attention.signature == (
        "attention(q: 1x2x?x4xf32, k: 1x2x?x4xf32, v: 1x2x?x4xf32, scale: f32) -> "
        "1x2x?x4xf32, 1x2x?xf32"
    )
    assert repr(attention) == f"<attn_mlir.Executable {attention.signature}>"
    assert "attn.sdpa" in attention.ir("input")
    assert "attn.online_sdpa" in attention.ir("tile")
    assert "llvm.func" in attention.ir("cpu")


def test_explains_itself(attention):
    text = attention.explain()
    assert text.startswith("target cpu:")
    assert "fuse" in text and "remark: " in text


def test_save(attention, tmp_path):
    attention.save(tmp_path / "a.mlir")
    assert attn_mlir.compile(tmp_path / "a.mlir").signature == attention.signature
    with pytest.raises(ValueError) as info:
        attention.save("a.obj")
    expected = "path: expected a suffix of .mlir, .o, .so, .s, .ll, .h, found '.obj'"
    assert str(info.value) == expected
    with pytest.raises(TypeError) as info:
        attention.save("a.o", target=3)
    assert str(info.value) == "target: expected None or a string, found int"
    with pytest.raises(ValueError) as info:
        attention.save("a.mlir", target="cpu")
    assert str(info.value) == "target: expected None beside a path of .mlir"
    with pytest.raises(attn_mlir.CompileError) as info:
        attention.save(tmp_path / "b.o", target="cpu:no-such-cpu")
    assert info.value.reason == (
        "unknown target 'cpu:no-such-cpu': no x86-64 or aarch64 CPU or level is named 'no-such-cpu'"
    )
    missing = tmp_path / "missing" / "a.o"
    with pytest.raises(FileNotFoundError) as info:
        attention.save(missing)
    assert str(info.value) == f"[Errno 2] No such file or directory: '{missing}'"
    assert not list(tmp_path.glob("b*"))


def test_saved_for_c(attention, tmp_path):
    """The header compiles, and the object and the shared object hold what it declares."""
    for suffix in ("h", "o", "so", "s", "ll"):
        attention.save(tmp_path / f"f.{suffix}", target="cpu:x86-64-v3+x86-64-v4")
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "f.h",
        "f.ll",
        "f.o",
        "f.s",
        "f.so",
    ]
    main = tmp_path / "main.c"
    main.write_text('#include "f.h"\nint main(void) { return attention_supported() == 0; }\n')
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror"]
    program = tmp_path / "main"
    subprocess.run(["clang-22", *flags, main, tmp_path / "f.o", "-o", program], check=True)
    supported = subprocess.run([program], check=False).returncode == 0
    assert supported == ("avx2" in pathlib.Path("/proc/cpuinfo").read_text())
    assert hasattr(ctypes.CDLL(tmp_path / "f.so"), "attention_workspace")
    assert "attention" in (tmp_path / "f.s").read_text()
    assert (tmp_path / "f.ll").read_text().count("define") > 2


def test_sources(tmp_path, arrays):
    path = tmp_path / "two.mlir"
    path.write_text(SOURCE + SOURCE.replace("@attention", "@other"))
    for source in (path, str(path)):
        other = attn_mlir.compile(source, entry="other", threads=1)
        assert other.signature.startswith("other(")
        assert other(*arrays, 0.5)[0].shape == (1, 2, 3, 4)


def test_examples():
    """Block and rule examples of the repository, with every type of number."""
    y = attn_mlir.compile(
        """
        func.func @f(%x: tensor<?xbf16>, %a: bf16, %n: i64, %i: index, %b: i1)
            -> (tensor<?xbf16>, i64) {
          %r = arith.index_cast %i : index to i64
          %s = arith.addi %n, %r : i64
          return %x, %s : tensor<?xbf16>, i64
        }
        """
    )
    x = numbers(5, dtype=ml_dtypes.bfloat16)
    same, total = y(x, 0.25, 2**62, 5, True)
    assert same.dtype == ml_dtypes.bfloat16 and np.array_equal(same, x)
    assert total == 2**62 + 5


CALLS = {
    "count": ((), TypeError, "attention: expected 4 arguments, found 0"),
    "type": ((np.float64,), TypeError, "q: expected float32, found float64"),
    "number": ((None, "0.5"), TypeError, "scale: expected an array (numpy, torch or any with DLPack), found str"),
    "rank": (("rank",), ValueError, "argument #0 (%q): expected 1x2x?x4xf32, but got 2x3x4xf32"),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_wrong_call(attention, arrays, name):
    (*how,), exception, message = CALLS[name]
    q, k, v = arrays
    arguments = [q, k, v, 0.5]
    if not how:
        arguments = []
    elif how[0] == "rank":
        arguments[0] = q[0]
    elif how[0]:
        arguments[0] = q.astype(how[0])
    else:
        arguments[3] = how[1]
    with pytest.raises(exception) as info:
        attention(*arguments)
    assert str(info.value) == message


def test_wrong_out(attention, arrays):
    q, k, v = arrays
    with pytest.raises(ValueError) as info:
        attention(q, k, v, 0.5, out=q)
    assert str(info.value) == "out: expected room for 2 results, found 1"
    with pytest.raises(ValueError) as info:
        attention(q, k, v, 0.5, out=(np.empty_like(k), np.empty((1, 2, 3), np.float32)))
    assert str(info.value) == "out[0]: expected room for 1x2x3x4xf32, but got 1x2x5x4xf32"
    one = attn_mlir.compile(
        "func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> { return %x : tensor<?xf32> }"
    )
    with pytest.raises(ValueError) as info:
        one(numbers(3), out=numbers(4))
    assert str(info.value) == "out: expected room for 3xf32, but got 4xf32"


SOURCES = {
    "syntax": (
        {"source": "func.func @f(%x: tensor<2xf32) {\n  return\n}\n"},
        "<text>:1:30",
        "expected '>' in tensor type",
    ),
    "rule": (
        {"source": SOURCE.replace("scale(%scale)", "scale(%scale) causal(sideways)")},
        "<text>:4:56",
        "custom op 'attn.sdpa' expects top_left, bottom_right or an index value, but got sideways",
    ),
    "entry": ({"source": SOURCE, "entry": "f"}, "", "no entry 'f': expected one of: attention"),
    "target": (
        {"source": SOURCE, "target": "cpu:z80"},
        "",
        "unknown target 'cpu:z80': no x86-64 or aarch64 CPU or level is named 'z80'",
    ),
}


@pytest.mark.parametrize("name", SOURCES)
def test_wrong_source(name):
    arguments, location, reason = SOURCES[name]
    with pytest.raises(attn_mlir.CompileError) as info:
        attn_mlir.compile(**arguments)
    error = info.value
    assert isinstance(error, ValueError)
    assert (error.location, error.reason) == (location, reason)
    first, again = str(error).split("\n")
    assert first == (f"{location}: {reason}" if location else reason)
    assert len(first) <= 120
    saved = pathlib.Path(error.ir_path)
    assert saved.read_text() == arguments["source"]
    entry = f" --entry={arguments['entry']}" if "entry" in arguments else ""
    target = arguments.get("target", "cpu")
    assert again == f"to see it again: attn-run {saved}{entry} --target={target}"
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.reason, copy.location, copy.ir_path) == (reason, location, error.ir_path)
    saved.unlink()


def test_wrong_arguments(tmp_path):
    def message(exception, **arguments):
        with pytest.raises(exception) as info:
            attn_mlir.compile(**arguments)
        return str(info.value)

    assert message(TypeError, source=3) == (
        "source: expected MLIR text or the path of a file, found int"
    )
    assert (
        message(TypeError, source=SOURCE, entry=1) == "entry: expected None or a string, found int"
    )
    assert message(TypeError, source=SOURCE, target=None) == (
        "target: expected a string, found NoneType"
    )
    assert message(TypeError, source=SOURCE, threads="2") == (
        "threads: expected None or an integer, found str"
    )
    assert message(ValueError, source=SOURCE, threads=0) == (
        "threads: expected None or a number from 1 to 4096, found 0"
    )
    with pytest.raises(FileNotFoundError) as info:
        attn_mlir.compile("no-such-file.mlir")
    assert info.value.filename == "no-such-file.mlir"
    latin = tmp_path / "latin.mlir"
    latin.write_bytes(b"// \xe9\n")
    assert message(attn_mlir.CompileError, source=latin) == f"{latin}:1:1: expected text in UTF-8"


def test_wrong_room(attention):
    with pytest.raises(ValueError) as info:
        attention.ir("roof")
    message = (
        "room: expected one of input, raise, optimize, split-heads, fuse, tile, linalg, cpu, nvvm, "
        "found 'roof'"
    )
    assert str(info.value) == message and len(message) <= 120


def test_stub_is_fresh(tmp_path):
    """_attn.pyi is what nanobind writes for the module as it is."""
    import attn_mlir._attn

    environment = {"PYTHONPATH": str(pathlib.Path(attn_mlir._attn.__file__).parents[1])}
    stub = tmp_path / "_attn.pyi"
    subprocess.run(
        [sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "attn_mlir._attn", "-o", stub],
        check=True,
        env=environment,
    )
    assert (PACKAGE / "_attn.pyi").read_text() == stub.read_text(), (
        "python -m nanobind.stubgen -m attn_mlir._attn -o python_bindings/attn_mlir/_attn.pyi"
    )
    assert (PACKAGE / "py.typed").exists()


def test_package():
    assert set(attn_mlir.__all__) <= set(dir(attn_mlir))
    for name in attn_mlir.__all__:
        assert getattr(attn_mlir, name).__doc__
    assert attn_mlir.__version__.count(".") == 2
    with pytest.raises(AttributeError, match="^module 'attn_mlir' has no attribute 'nothing'$"):
        attn_mlir.nothing  # noqa: B018


def test_import_is_light():
    """Neither numpy nor the extension before something needs them."""
    code = (
        "import sys, attn_mlir; "
        "assert not {'numpy', 'torch', 'attn_mlir._attn'} & set(sys.modules), 'imported early'"
    )
    path = str(pathlib.Path(attn_mlir.__file__).parents[1])
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": path})
