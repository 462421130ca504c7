# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a command with stderr on a terminal of COLUMNS columns and prints what it wrote there.

usage: on_terminal.py COLUMNS COMMAND...    (control characters are printed as Python writes them)
"""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios


def main():
    columns = int(sys.argv[1])
    leader, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    # LLVM believes this variable before it asks the terminal.
    environment = dict(os.environ, COLUMNS=str(columns))
    command = subprocess.Popen(
        sys.argv[2:], stdout=subprocess.DEVNULL, stderr=terminal, env=environment
    )
    os.close(terminal)
    written = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:  # the last writer has closed its end
            break
        if not part:
            break
        written += part
    print(ascii(written.decode())[1:-1].replace("\\r\\x1b[K", "\n\\r\\x1b[K"))
    sys.exit(command.wait())


if __name__ == "__main__":
    main()
