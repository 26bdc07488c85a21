"""Runs a command on a terminal of its own and answers what it asks.

Reads {"command": [...], "answers": [[what it says, what is typed then], ...]} as JSON; prints everything that appeared
on the terminal, and ends with the command's status. A question that does not come ends it with status 99.
"""

import json
import os
import pty
import select
import sys
import time

DEADLINE = 60


def read(terminal):
    """Returns what appears next, or nothing at the end."""
    if not select.select([terminal], [], [], DEADLINE)[0]:
        return b""
    try:
        return os.read(terminal, 65536)
    except OSError:  # The other end is closed.
        return b""


def main():
    task = json.load(sys.stdin)
    child, terminal = pty.fork()
    if child == 0:
        os.execv(task["command"][0], task["command"])
    seen, after = b"", 0
    for expected, answer in task["answers"]:
        end = time.monotonic() + DEADLINE
        while (found := seen.lower().find(expected.lower().encode(), after)) < 0:
            more = read(terminal)
            if not more or time.monotonic() > end:
                print(f"{seen.decode(errors='replace')}\n`{expected}` was not asked")
                sys.exit(99)
            seen += more
        after = found + len(expected)
        os.write(terminal, answer.encode())
    while more := read(terminal):
        seen += more
    sys.stdout.write(seen.decode(errors="replace"))
    sys.stdout.flush()
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
