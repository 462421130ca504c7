# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One line on the terminal for what takes longer than half a second; never elsewhere."""

import contextlib
import os
import sys
import threading
import time

PATIENCE = 0.5  # seconds
# There is one line: what is inside of something else, or beside it, is silent.
line = threading.Lock()


@contextlib.contextmanager
def saying(what):
    """While this takes long, and stderr is a terminal, `attn_mlir: <what>, 1.5 s` stands on it."""
    wanted = os.environ.get("ATTN_MLIR_PROGRESS") != "0" and is_terminal(sys.stderr)
    if not wanted or not line.acquire(blocking=False):
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=show, args=(what, sys.stderr, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        line.release()


def is_terminal(stream):
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # there is none, or it was closed
        return False


def show(what, stream, done):
    start, shown = time.monotonic(), False
    while not done.wait(PATIENCE):
        text = f"attn_mlir: {what}, {time.monotonic() - start:.1f} s"
        with contextlib.suppress(OSError):
            text = text[: os.get_terminal_size(stream.fileno()).columns - 1]
        stream.write(f"\r\x1b[K{text}\r")
        stream.flush()
        shown = True
    if shown:
        stream.write("\r\x1b[K")
        stream.flush()
