"""Runs, and the system that they are submitted to."""

from __future__ import annotations

import csv
import json
import shlex
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Type, Union

from . import _command

if TYPE_CHECKING:
    import pandas

Value = Union[str, int, float, bool]
Path_ = Union[str, Path]
Table = Union["pandas.DataFrame", List[Dict[str, Any]]]


@dataclass(frozen=True)
class Summary:
    """What a run that has ended came to."""

    run_id: str
    #: ``succeeded``, ``failed``, ``cancelled`` or ``timed-out``
    outcome: str
    #: The runner's; None where it left none.
    exit_code: Optional[int]
    #: What happened, why, and what to do next, a sentence or two each.
    headline: str
    why: str
    next: str
    #: Tasks by what became of them: ``total``, ``succeeded``, ``failed`` …
    tasks: Mapping[str, int]
    node_hours: Optional[float]
    #: All of summary.json.
    record: Mapping[str, Any] = field(repr=False)

    @property
    def succeeded(self) -> bool:
        return self.outcome == "succeeded"

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Summary:
        return cls(
            run_id=record["runId"],
            outcome=record["outcome"],
            exit_code=record["exitCode"],
            headline=record["headline"],
            why=record["why"],
            next=record["next"],
            tasks=record["tasks"],
            node_hours=record.get("nodeHours"),
            record=record,
        )


class Run:
    """A run, by its id. Nothing is asked for before a method is called."""

    def __init__(self, client: Client, run_id: str, summary: Optional[Summary] = None) -> None:
        self.id = run_id
        self._client = client
        self._summary = summary

    def __repr__(self) -> str:
        return f"Run({self.id!r})"

    def status(self) -> Mapping[str, Any]:
        """The state with its history, and the sentence that says why (status.json)."""
        return dict(self._ask("status")["status"])

    @property
    def state(self) -> str:
        """``submitted`` … ``running`` …, at the end the outcome; ``stopped`` where its local system was killed."""
        answer = self._ask("status")
        return "stopped" if "stopped" in answer else str(answer["status"]["state"])

    def watch(self) -> Summary:
        """Waits until the run has ended. Ctrl-C leaves the run alone."""
        if self._summary is None:
            self._summary = Summary.of(self._ask("watch"))
        return self._summary

    @property
    def summary(self) -> Summary:
        """What the run came to; waits for its end."""
        return self.watch()

    def tasks(self) -> Table:
        """The tasks, a row each: number, parameters, command, node, seconds, how it ended (docs/tables.md).

        A DataFrame where pandas is installed, else a list of dicts with texts.

        :raises Failed: before the run has ended
        """
        with tempfile.TemporaryDirectory() as folder:
            self._ask("fetch", "--tables", folder)
            return _read(Path(folder, "tasks.csv"), lambda columns: columns)

    def results(self) -> Table:
        """Of each task its number, its parameters, and what it found: the fields of the manifest's ``results``."""
        with tempfile.TemporaryDirectory() as folder:
            self._ask("fetch", "--tables", folder)
            return _read(Path(folder, "tasks.csv"), _found)

    def logs(self, *, task: Optional[int] = None, node: int = 0) -> Mapping[str, Any]:
        """What a task printed, or the log of a node."""
        which = ["--node", str(node)] if task is None else ["--task", str(task)]
        return dict(self._ask("logs", *which))

    def fetch(self, to: Optional[Path_] = None) -> Path:
        """Downloads the outputs, each checked by its SHA-256. Answers the folder.

        :raises Failed: where a file did not arrive whole
        """
        did = self._ask("fetch", *([] if to is None else [str(to)]))
        if did["faults"]:
            raise _command.Failed("; ".join(map(str, did["faults"])), 1)
        return Path(self._client.cwd, did["folder"])

    def report(self) -> Path:
        """The report, a file of HTML on this machine."""
        return Path(self._client.cwd, self._ask("report")["file"])

    def cancel(self, reason: str = "") -> None:
        """Stops the run, and waits until nothing of it is at work."""
        self._ask("cancel", "--yes", *(["--reason", reason] if reason else []))

    def resume(self) -> Run:
        """A new run of what is missing or failed; this run itself where nothing is.

        Where no local system is up, one is kept up until it has ended, which is waited for.
        """
        return Run(self._client, self._ask("resume", "--yes")["runId"])

    def _ask(self, command: str, *options: str) -> Any:
        return self._client._ask(command, self.id, *options)


class Client:
    """A system that runs experiments.

    :param stack: the stack on AWS; when left out that of SIERRA_BATCH_STACK, else the local system
    :param region: its region, and ``profile`` of the AWS configuration, when the environment does not say so
    :param local: the local system, even where SIERRA_BATCH_STACK is set
    :param cwd: where paths start; a local system keeps its files in ``.sierra-batch`` there
    """

    def __init__(
        self,
        stack: Optional[str] = None,
        *,
        region: Optional[str] = None,
        profile: Optional[str] = None,
        local: bool = False,
        cwd: Path_ = ".",
    ) -> None:
        named = {"--stack": stack, "--region": region, "--profile": profile}
        self._options = [word for name, value in named.items() if value is not None for word in (name, value)]
        self._options += ["--local"] if local else []
        self.cwd = Path(cwd)

    def run(
        self,
        command: str,
        parameters: Optional[Mapping[str, Union[Value, Iterable[Value]]]] = None,
        *,
        nodes: Optional[int] = None,
        output: Union[str, Sequence[str]] = (),
        sample: Optional[int] = None,
    ) -> Run:
        """Runs a command for each combination of its parameters, or a manifest, and waits for the end.

        :param command: with ``{key}`` where a value goes; or the file of a manifest
        :param parameters: for each key its values: a list, a range, or a single value
        :param nodes: how many nodes; of a command 1 when left out
        :param output: what is kept: files, folders and patterns
        :param sample: only so many tasks, spread over all parameters
        :raises Failed: where nothing could be started
        """
        words = [f"{key}={_values(values)}" for key, values in (parameters or {}).items()]
        options = ["--yes"] + ([] if nodes is None else ["--nodes", str(nodes)])
        options += [] if sample is None else ["--sample", str(sample)]
        for path in [output] if isinstance(output, str) else output:
            options += ["--output", path]
        summary = Summary.of(self._ask("run", *options, "--", command, *words))
        return Run(self, summary.run_id, summary)

    def submit(self, manifest: Path_) -> Run:
        """Submits a manifest, and returns as soon as it is accepted.

        :raises Failed: with every fault, where it is not
        """
        return Run(self, self._ask("submit", "--", str(manifest))["runId"])

    def plan(self, manifest: Path_) -> Mapping[str, Any]:
        """What a manifest would run, and what it can cost; starts nothing."""
        return dict(self._ask("plan", "--", str(manifest)))

    def get(self, run: str) -> Run:
        """The run that has this id, begins with it, has this name (the newest), or ``last``."""
        return Run(self, self._ask("status", run)["status"]["runId"])

    def runs(self) -> list[Run]:
        """All runs, newest first."""
        return [Run(self, row["runId"]) for row in self._ask("runs")]

    def local_system(self) -> LocalSystem:
        """A local system, kept up as long as a ``with`` block lasts: for ``submit`` without a stack."""
        return LocalSystem(self)

    def _ask(self, command: str, *arguments: str) -> Any:
        return _command.answer([command, *self._options, *arguments], self.cwd)


class LocalSystem:
    """``with client.local_system(): …``. Needs Linux, GNU parallel and OpenSSH."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._process: Optional[subprocess.Popen[str]] = None

    def __enter__(self) -> Client:
        line = _command.line(["local", "--yes", "--json"])
        self._process = subprocess.Popen(line, cwd=self._client.cwd, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = ""
        for text in self._process.stdout:
            said += text
            if text.startswith("}"):
                json.loads(said)
                return self._client
        raise _command.Failed(said or "the local system did not start", self._process.wait())

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.communicate()


def _values(values: Union[Value, Iterable[Value]]) -> str:
    if isinstance(values, range) and len(values) > 1 and values.step > 0:
        step = "" if values.step == 1 else f"..{values.step}"
        return f"{values[0]}..{values[-1]}{step}"
    each = [values] if isinstance(values, (str, int, float, bool)) else list(values)
    words = [str(value).lower() if isinstance(value, bool) else str(value) for value in each]
    comma = next((word for word in words if "," in word), None)
    if comma is not None:
        raise ValueError(f"a value with a comma needs a manifest: {shlex.quote(comma)}")
    return ",".join(words)


def _found(columns: Sequence[str]) -> Sequence[str]:
    return [*columns[: columns.index("command")], *columns[columns.index("version") + 1 :]]


def _read(file: Path, wanted: Callable[[Sequence[str]], Sequence[str]]) -> Table:
    try:
        import pandas
    except ImportError:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = csv.DictReader(lines)
            columns = wanted(rows.fieldnames or [])
            return [{name: row[name] for name in columns} for row in rows]
    table = pandas.read_csv(file)
    return table[list(wanted(list(table.columns)))]
