"""The command of one run. Everything else SIERRA does by itself."""

import pathlib
import typing as tp

import implements

from sierra.core import types
from sierra.core.experiment import bindings
from sierra.core.variables import batch_criteria as bc

# Absolute: a run starts on another node and in another folder.
SIMULATION = pathlib.Path(__file__).resolve().parent / "simulate.py"


@implements.implements(bindings.IExpRunShellCmdsGenerator)
class ExpRunShellCmdsGenerator:
    def __init__(
        self,
        cmdopts: types.Cmdopts,
        criteria: bc.XVarBatchCriteria,
        exp_num: int,
        n_agents: tp.Optional[int],
    ) -> None:
        pass

    def pre_run_cmds(
        self, host: str, input_fpath: pathlib.Path, run_num: int
    ) -> list[types.ShellCmdSpec]:
        return []

    def exec_run_cmds(
        self, host: str, input_fpath: pathlib.Path, run_num: int
    ) -> list[types.ShellCmdSpec]:
        cmd = f"python3 {SIMULATION} {input_fpath}.json"
        return [types.ShellCmdSpec(cmd=cmd, shell=True, wait=True)]

    def post_run_cmds(
        self, host: str, run_output_root: pathlib.Path
    ) -> list[types.ShellCmdSpec]:
        return []


@implements.implements(bindings.IExpConfigurer)
class ExpConfigurer:
    def __init__(self, cmdopts: types.Cmdopts) -> None:
        self.cmdopts = cmdopts

    def for_exp(self, exp_input_root: pathlib.Path) -> None:
        pass

    def for_exp_run(
        self, exp_input_root: pathlib.Path, run_output_root: pathlib.Path
    ) -> None:
        pass

    def parallelism_paradigm(self) -> str:
        return "per-batch"
