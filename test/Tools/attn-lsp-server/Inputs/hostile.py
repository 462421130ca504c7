# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Streams that no editor sends: the server ends, with an exit code, and soon. hostile.py SERVER"""

import json
import subprocess
import sys


def frame(body):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(data), data)


DOCUMENT = {"uri": "file:///a.mlir", "languageId": "mlir", "version": 1, "text": "module {}"}
OPEN = {"method": "textDocument/didOpen", "params": {"textDocument": DOCUMENT}}
HOVER = {"method": "textDocument/hover", "params": {"textDocument": {"uri": "file:///a.mlir"}}}
STREAMS = {
    "nothing": b"",
    "half a header": b"Content-Le",
    "no length": b"Content-Length: many\r\n\r\n{}",
    "a huge length": b"Content-Length: 99999999999999999999\r\n\r\n{}",
    "a negative length": b"Content-Length: -1\r\n\r\n{}",
    "a header without end": b"x" * 100_000,
    "half a body": b"Content-Length: 100\r\n\r\n{",
    "no JSON": frame(b"\xff\xfe{{{"),
    "an array": frame([1, 2]),
    "params of another kind": frame({"method": "textDocument/didOpen", "params": 7}),
    "a text that is a number": frame({**OPEN, "params": {"textDocument": {**DOCUMENT, "text": 5}}}),
    "changes of another kind": frame(
        {
            "method": "textDocument/didChange",
            "params": {"textDocument": DOCUMENT, "contentChanges": [3]},
        }
    ),
    "a hover without a place": frame(OPEN) + frame({**HOVER, "id": {"a": 1}}),
    "a hover of nothing": frame({**HOVER, "id": 1}),
}


def main():
    for name, stream in STREAMS.items():
        server = subprocess.run(
            [sys.argv[1]], input=stream, capture_output=True, timeout=60, check=False
        )
        if server.returncode not in (0, 1):
            sys.exit(f"{name}: ended with {server.returncode}\n{server.stderr.decode()[-2000:]}")
        print(f"{name}: ok")


if __name__ == "__main__":
    main()
