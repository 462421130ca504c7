# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What goes wrong while compiling, and the file that reproduces it."""

import hashlib
import os
import shlex
import tempfile


class CompileError(ValueError):
    """A source that does not compile.

    reason    what is wrong, one line or several
    location  where, `file.mlir:3:8`, or an empty string
    ir_path   the source, saved for a report, or None when it could not be written
    """

    def __init__(self, reason, location="", ir_path=None, command=None):
        self.reason, self.location, self.ir_path = reason, location, ir_path
        lines = [f"{location}: {reason}" if location else reason]
        if command:
            lines.append(f"to see it again: {command}")
        super().__init__("\n".join(lines))

    def __reduce__(self):
        return type(self), (self.reason, self.location, self.ir_path)


def compile_error(reason, location, source, entry, target):
    """A CompileError whose source has been written to the folder for temporary files."""
    digest = hashlib.blake2b(f"{source}\0{entry}\0{target}".encode(), digest_size=8).hexdigest()
    path = os.path.join(tempfile.gettempdir(), f"attn-mlir-{digest}.mlir")
    try:
        # A name of its own first: another process may be at the same path.
        with tempfile.NamedTemporaryFile(
            "w", dir=tempfile.gettempdir(), prefix="attn-mlir-", delete=False
        ) as file:
            file.write(source)
        os.replace(file.name, path)
    except OSError:
        return CompileError(reason, location)
    words = ["attn-run", path] + ([f"--entry={entry}"] if entry else []) + [f"--target={target}"]
    return CompileError(reason, location, path, shlex.join(words))
