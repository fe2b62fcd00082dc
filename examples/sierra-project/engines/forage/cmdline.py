"""Options of the engine: how long a run is."""

import argparse

from sierra.core import types
from sierra.plugins import PluginCmdline


def build(parents: list[argparse.ArgumentParser], stages: list[int]) -> PluginCmdline:
    cmdline = PluginCmdline(parents, stages)
    cmdline.stage1.add_argument(
        "--exp-setup",
        default="exp_setup.T100",
        help="T<steps>: how many steps a run has. " + cmdline.stage_usage_doc([1]),
    )
    return cmdline


def to_cmdopts(args: argparse.Namespace) -> types.Cmdopts:
    return {"exp_setup": args.exp_setup}
