# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The cache of compiled code under torture: the right result each time.

Every case runs processes of its own, with a cache folder of its own.
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

import attn_mlir

PACKAGE = str(pathlib.Path(attn_mlir.__file__).parents[1])

# Compiles `count` kernels, the first `skip` left out, and checks each; prints one line per kernel.
WORK = """
import sys
import attn_mlir, numpy as np

count, skip = int(sys.argv[1]), int(sys.argv[2])
for dim in range(1 + skip, 1 + count):
    q, k, v = np.random.default_rng(dim).normal(0, 1, (3, 4, dim))
    p = np.exp(q @ k.T / np.sqrt(dim))
    expected = p / p.sum(-1, keepdims=True) @ v
    found = attn_mlir.sdpa(*(x[None, None] for x in (q, k, v)))[0, 0]
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-12), dim
    print(dim, flush=True)
"""


def start(folder, count, skip=0, before="", environment=None):
    options = {"PYTHONPATH": PACKAGE, "PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    if folder is not None:
        options["ATTN_MLIR_CACHE_DIR"] = str(folder)
    return subprocess.Popen(
        [sys.executable, "-c", before + WORK, str(count), str(skip)],
        env=options | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process, count):
    """The process ends well after `count` kernels; what it wrote to stderr."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert len(out.split()) == count
    return err


def run(folder, count=2, **options):
    return finish(start(folder, count, **options), count)


def entries(folder):
    return sorted(folder.glob("*.attn"))


def test_second_process_writes_nothing(tmp_path):
    assert run(tmp_path) == ""
    before = [(path, path.stat().st_mtime_ns) for path in entries(tmp_path)]
    assert len(before) == 2
    assert run(tmp_path) == ""
    assert [(path, path.stat().st_mtime_ns) for path in entries(tmp_path)] == before
    assert not list(tmp_path.glob("*.writing"))


def test_only_the_owner_may_look(tmp_path):
    folder = tmp_path / "cache"
    run(folder, 1)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_eight_processes(tmp_path):
    """All compile the same kernels at the same time."""
    processes = [start(tmp_path, 3) for _ in range(8)]
    assert [finish(process, 3) for process in processes] == [""] * 8
    assert len(entries(tmp_path)) == 3
    assert not list(tmp_path.glob("*.writing"))


def test_killed_while_writing(tmp_path):
    """kill -9 at random moments; whatever is left, the next process is right."""
    draw = random.Random(20261127)
    for _ in range(8):
        process = start(tmp_path, 200)
        process.stdout.readline()  # the first kernel is there
        time.sleep(draw.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    assert run(tmp_path, 3) == ""


def test_half_written_files(tmp_path):
    """What a kill leaves at the worst moment: a part of a file, under its name or another."""
    assert run(tmp_path) == ""
    good = [path.read_bytes() for path in entries(tmp_path)]
    for path in entries(tmp_path):
        path.with_name(path.name + "-12345678.writing").write_bytes(b"attn-mlir")
        os.truncate(path, path.stat().st_size // 2)
    assert run(tmp_path) == ""
    assert [path.read_bytes() for path in entries(tmp_path)] == good


@pytest.mark.parametrize("how", ["zeros", "noise", "empty", "swapped", "folder"])
def test_damaged_files(tmp_path, how):
    assert run(tmp_path) == ""
    draw = random.Random(how)
    paths = entries(tmp_path)
    texts = [path.read_bytes() for path in paths]
    for path, text in zip(paths, texts, strict=True):
        path.unlink()
        if how == "folder":
            path.mkdir()
        elif how == "swapped":  # right inside, under a wrong name
            path.write_bytes(texts[1 - texts.index(text)])
        elif how == "noise":
            at = draw.randrange(len(text))
            path.write_bytes(text[:at] + draw.randbytes(40) + text[at + 40 :])
        else:
            path.write_bytes(b"" if how == "empty" else b"\0" * len(text))
    err = run(tmp_path)
    assert (err == "") == (how != "folder"), err


WARNING = "RuntimeWarning: the cache in {} cannot be written to ({}); compiled code is kept in memory only"


def test_full_disk(tmp_path):
    """No file may grow beyond 4000 bytes: every write ends early."""
    before = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
    err = run(tmp_path, 3, before=before)
    assert err.count("RuntimeWarning") == 1
    assert WARNING.format(tmp_path, "File too large") in err
    assert not list(tmp_path.iterdir())
    assert run(tmp_path, 3) == ""
    assert len(entries(tmp_path)) == 3


def test_no_folder(tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "cache").write_text("")
    err = run(tmp_path / "cache")
    assert err.count("RuntimeWarning") == 1
    assert WARNING.format(tmp_path / "cache", "Not a directory") in err


def test_nowhere(tmp_path):
    """An empty variable means no cache, and so does a machine without a home."""
    assert run("", 1) == ""
    assert run(None, 1, environment={"HOME": ""}) == ""


def test_xdg(tmp_path):
    assert run(None, 1, environment={"XDG_CACHE_HOME": str(tmp_path)}) == ""
    assert len(entries(tmp_path / "attn-mlir")) == 1
    assert run(None, 1, environment={"HOME": str(tmp_path)}) == ""
    assert len(entries(tmp_path / ".cache/attn-mlir")) == 1


def test_folder_vanishes(tmp_path):
    """Removed between two kernels: it is made again."""
    folder = tmp_path / "cache"
    before = (
        "import atexit, shutil, threading, os\n"
        "def remove():\n"
        f"    shutil.rmtree({str(folder)!r}, ignore_errors=True)\n"
        "    timer = threading.Timer(0.02, remove); timer.daemon = True; timer.start()\n"
        "remove()\n"
    )
    err = run(folder, 4, before=before)
    assert "Error" not in err
