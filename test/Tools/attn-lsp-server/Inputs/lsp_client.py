# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A language client of a few lines: JSON-RPC over the pipes of a server, as editors speak it."""

import itertools
import json
import subprocess
import threading


class Client:
    def __init__(self, command, seconds=120):
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # A server that hangs is a failed test, not a hung one.
        self.timer = threading.Timer(seconds, self.server.kill)
        self.timer.start()
        self.ids = itertools.count(1)
        self.notifications = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        self.server.kill()

    def send(self, method, params, **more):
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.server.stdin.flush()

    def receive(self):
        length = 0
        while (line := self.server.stdout.readline().strip()) or not length:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            elif not line and self.server.poll() is not None:
                raise EOFError("the server is gone")
        return json.loads(self.server.stdout.read(length))

    def ask(self, method, params):
        """The result of a request; notifications that come before it are kept."""
        wanted = next(self.ids)
        self.send(method, params, id=wanted)
        while (message := self.receive()).get("id") != wanted:
            self.notifications.append(message)
        if "error" in message:
            raise RuntimeError(message["error"])
        return message["result"]

    def wait_for(self, method):
        """The parameters of the next notification of this name."""
        while True:
            for message in self.notifications:
                if message["method"] == method:
                    self.notifications.remove(message)
                    return message["params"]
            self.notifications.append(self.receive())

    def close(self):
        """Shuts the server down as the protocol wants it; its exit code."""
        self.ask("shutdown", None)
        self.send("exit", None)
        self.server.stdin.close()
        return self.server.wait()
