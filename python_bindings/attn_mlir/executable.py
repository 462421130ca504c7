# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles MLIR and calls it with arrays."""

import copy
import os
import pathlib
import tempfile

from ._attn import Entry, Program, explain, lower, rooms
from .errors import CompileError
from .progress import saying

# attn_program_kind by suffix.
SAVED_KINDS = {".o": 0, ".so": 1, ".s": 2, ".ll": 3, ".h": 4}


class Executable:
    """A compiled entry. Made by attn_mlir.compile.

    Called with one array per argument (numpy, torch or any with DLPack; a Python number where the
    entry takes a number) it returns its result, or a tuple of them, as arrays of the kind of the
    first array. `out` is an array to write to, or a tuple of as many as there are results. Several
    threads may call at once.
    """

    _weights = None

    def __init__(self, source, name, entry, target, threads):
        self._source, self._name, self._target = source, name, target
        self._threads = threads or 0
        self._entry_name = entry or ""
        with saying("compiling"):
            self._entry = Entry(source, name, self._entry_name, target)
        self._programs = {}

    def __call__(self, *arrays, out=None):
        return self._entry.call(*arrays, out=out, threads=self._threads, weights=self._weights)

    def prepack(self, *weights):
        """An Executable that has its weights: it takes the other arguments.

        `weights` are the arguments marked attn.weight, in their order. They are copied and packed
        once, as they are now; a plain call packs them each time. An array that changes later
        changes nothing: prepack again.
        """
        if self._weights is not None:
            raise ValueError(
                "prepack: expected an Executable without weights, found a prepacked one"
            )
        packed = copy.copy(self)
        packed._weights = self._entry.prepack(*weights)
        return packed

    def __repr__(self):
        return f"<attn_mlir.Executable {self.signature}>"

    @property
    def signature(self):
        """`attention(q: 1x2x?x4xf32, ...) -> 1x2x?x3xf32`; `?` is a size that a call says."""
        return self._entry.signature(self._weights is not None)

    def ir(self, room):
        """The whole source as it leaves a room: input, raise, optimize, split-heads, fuse, tile, linalg or cpu."""
        if room not in rooms().split(", "):
            raise ValueError(f"room: expected one of {rooms()}, found {room!r}")
        with saying("compiling"):
            return lower(self._source, self._name, self._target, room)

    def explain(self):
        """What the target is, what each room does and how long it takes, and the plans."""
        with saying("compiling"):
            return explain(self._source, self._name, self._target)

    def save(self, path, *, target=None):
        """Writes what the suffix of `path` says: the source (`.mlir`), or the entry for C programs
        (docs/ahead-of-time.md): `.o`, its header `.h`, `.so`, `.s` or `.ll`.

        target   the CPU, or several of which one is chosen when the code runs
                 ('cpu:x86-64-v3+x86-64-v4'); without, the target of this Executable
        """
        path = pathlib.Path(path)
        if path.suffix not in (".mlir", *SAVED_KINDS):
            kinds = ", ".join((".mlir", *SAVED_KINDS))
            raise ValueError(f"path: expected a suffix of {kinds}, found {path.suffix!r}")
        if target is not None and not isinstance(target, str):
            raise TypeError(f"target: expected None or a string, found {type(target).__name__}")
        if path.suffix == ".mlir":
            if target is not None:
                raise ValueError("target: expected None beside a path of .mlir")
            contents = self._source.encode()
        else:
            program = self._program(target or self._target)
            with saying(f"making {path.name}"):
                contents = program.emit(SAVED_KINDS[path.suffix])
        write_and_rename(path, contents)

    def _program(self, target):
        """The entry for C programs; object and header come from one compilation."""
        if target not in self._programs:
            with saying(f"compiling for {target}"):
                self._programs[target] = Program(self._source, self._name, self._entry_name, target)
        return self._programs[target]


def write_and_rename(path, contents):
    """The file is whole or not there."""
    try:
        pending = tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False)
    except OSError as error:
        error.filename = str(path)  # not one that nobody asked for
        raise
    with pending as file:
        try:
            file.write(contents)
            file.close()
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(file.name, (0o777 if path.suffix == ".so" else 0o666) & ~mask)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


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
