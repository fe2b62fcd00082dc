"""Batch criterion `swarm_size.<min>.<max>.C<number>`: swarms from `min` to `max` robots in so many experiments."""

import pathlib
import typing as tp

import implements

import sierra.core.variables.batch_criteria as bc
from sierra.core import types
from sierra.core.experiment import definition
from sierra.core.graphs import bcbridge
from sierra.core.variables import builtin


@implements.implements(bcbridge.IGraphable)
class SwarmSize(bc.UnivarBatchCriteria):
    def __init__(
        self,
        cli_arg: str,
        main_config: types.YAMLDict,
        batch_input_root: pathlib.Path,
        sizes: list[int],
    ) -> None:
        bc.UnivarBatchCriteria.__init__(self, cli_arg, main_config, batch_input_root)
        self.sizes = sizes

    def gen_attr_changelist(self) -> list[definition.AttrChangeSet]:
        return [
            definition.AttrChangeSet(definition.AttrChange("$.swarm", "robots", size))
            for size in self.sizes
        ]

    def graph_info(
        self,
        cmdopts: types.Cmdopts,
        batch_output_root: tp.Optional[pathlib.Path] = None,
        legend: tp.Optional[list[str]] = None,
    ) -> bcbridge.GraphInfo:
        info = bcbridge.GraphInfo(cmdopts, batch_output_root, legend or self.gen_exp_names())
        info.xticks = [float(size) for size in self.sizes]
        info.xticklabels = [str(size) for size in self.sizes]
        info.xlabel = "Robots"
        return info


def factory(
    cli_arg: str,
    main_config: types.YAMLDict,
    cmdopts: types.Cmdopts,
    batch_input_root: pathlib.Path,
    **kwargs,
) -> SwarmSize:
    sizes = builtin.linspace_parse(cli_arg.split(".", maxsplit=1)[1])
    return SwarmSize(cli_arg, main_config, batch_input_root, [round(size) for size in sizes])
