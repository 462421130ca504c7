# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles MLIR and calls it with arrays."""

import os
import pathlib

from ._attn import Entry, explain, lower, rooms
from .errors import CompileError


class Executable:
    """A compiled entry. Made by attn_mlir.compile.

    Called with one array per argument (numpy, torch or any with DLPack; a Python number where the
    entry takes a number) it returns its result, or a tuple of them, as arrays of the kind of the
    first array. `out` is an array to write to, or a tuple of as many as there are results. Several
    threads may call at once.
    """

    def __init__(self, source, name, entry, target, threads):
        self._source, self._name, self._target = source, name, target
        self._threads = threads or 0
        self._entry = Entry(source, name, entry or "", target)

    def __call__(self, *arrays, out=None):
        return self._entry.call(*arrays, out=out, threads=self._threads)

    def __repr__(self):
        return f"<attn_mlir.Executable {self.signature}>"

    @property
    def signature(self):
        """`attention(q: 1x2x?x4xf32, ...) -> 1x2x?x3xf32`; `?` is a size that a call says."""
        return self._entry.signature()

    def ir(self, room):
        """The whole source as it leaves a room: input, split-heads, fuse, tile, linalg or cpu."""
        if room not in rooms().split(", "):
            raise ValueError(f"room: expected one of {rooms()}, found {room!r}")
        return lower(self._source, self._name, self._target, room)

    def explain(self):
        """What the target is, what each room does and how long it takes, and the plans."""
        return explain(self._source, self._name, self._target)

    def save(self, path):
        """Writes the source (`.mlir`); machine code cannot be saved yet."""
        suffix = pathlib.Path(path).suffix
        if suffix != ".mlir":
            raise NotImplementedError(f"path: expected the suffix .mlir, found {suffix!r}")
        pathlib.Path(path).write_text(self._source, encoding="utf-8")


def compile(source, *, entry=None, target="cpu", threads=None):
    """Compiles an entry of `source` for this process and returns an Executable.

    source   MLIR text, or the path of a file: a pathlib.Path, or a one-line string that ends with
             `.mlir`
    entry    a public function of it; without, the only one, or `main`
    target   'cpu' (this machine), 'cpu:<name or level>' or 'linalg'
    threads  how many a call may use; without, as many as there are CPUs

    CompileError (a ValueError) says what does not compile, and where.
    """
    if entry is not None and not isinstance(entry, str):
        raise TypeError(f"entry: expected None or a string, found {type(entry).__name__}")
    if not isinstance(target, str):
        raise TypeError(f"target: expected a string, found {type(target).__name__}")
    if threads is not None:
        if isinstance(threads, bool) or not isinstance(threads, int):
            raise TypeError(f"threads: expected None or an integer, found {type(threads).__name__}")
        if not 1 <= threads <= 4096:
            raise ValueError(f"threads: expected None or a number from 1 to 4096, found {threads}")
    text, name = read_source(source)
    return Executable(text, name, entry, target, threads)


def read_source(source):
    """The text of `source`, and what locations call it."""
    is_path = isinstance(source, os.PathLike)
    if not is_path and not isinstance(source, str):
        raise TypeError(
            f"source: expected MLIR text or the path of a file, found {type(source).__name__}"
        )
    if not is_path and ("\n" in source or not source.endswith(".mlir")):
        return source, "<text>"
    path = pathlib.Path(source)
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except UnicodeDecodeError as error:
        raise CompileError("expected text in UTF-8", f"{path}:1:1") from error
