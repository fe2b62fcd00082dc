"""Options of the project: which controller, in which scenario."""

import argparse
import shutil

import matplotlib

from sierra.core import types
from sierra.plugins import PluginCmdline

# SIERRA draws all text with LaTeX, which most images do not have: without it stage 4 would fail at its first graph.
if shutil.which("latex") is None:
    matplotlib.rcParams["text.usetex"] = False


def build(parents: list[argparse.ArgumentParser], stages: list[int]) -> PluginCmdline:
    cmdline = PluginCmdline(parents, stages)
    cmdline.multistage.add_argument(
        "--scenario", help="`arena`. " + cmdline.stage_usage_doc([1, 2, 3, 4])
    )
    cmdline.multistage.add_argument(
        "--controller",
        choices=["foraging.random", "foraging.levy"],
        help="How robots walk while they look for food. "
        + cmdline.stage_usage_doc([1, 2, 3, 4]),
    )
    return cmdline


def to_cmdopts(args: argparse.Namespace) -> types.Cmdopts:
    return {"scenario": args.scenario, "controller": args.controller}
