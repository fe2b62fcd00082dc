"""From the template to the JSON file of one run."""

import pathlib

from engines.forage.variables import exp_setup
from sierra.core import plugin as pm
from sierra.core import types, utils
from sierra.core.experiment import definition, spec


def for_all_exp(
    spec: spec.ExperimentSpec,
    controller: str,
    cmdopts: types.Cmdopts,
    expdef_template_fpath: pathlib.Path,
) -> definition.BaseExpDef:
    """What all runs share: the setup."""
    write = definition.WriterConfig(
        [
            {
                "src_parent": None,
                "src_tag": "$",
                "opath_leaf": ".json",
                "new_children": None,
                "new_children_parent": None,
                "rename_to": None,
            }
        ]
    )
    module = pm.pipeline.get_plugin_module(cmdopts["expdef"])
    expdef = module.ExpDef(input_fpath=expdef_template_fpath, write_config=write)
    setup = exp_setup.factory(cmdopts["exp_setup"])
    _, adds, changes = utils.apply_to_expdef(setup, expdef)
    utils.pickle_modifications(adds, changes, spec.exp_def_fpath)
    return expdef


def for_single_exp_run(
    expdef: definition.BaseExpDef,
    run_num: int,
    run_output_path: pathlib.Path,
    launch_stem_path: pathlib.Path,
    random_seed: int,
    cmdopts: types.Cmdopts,
) -> definition.BaseExpDef:
    """What is a run's own: its seed and where it writes."""
    expdef.attr_change("$", "seed", random_seed)
    expdef.attr_change("$", "output", str(run_output_path / "output"))
    return expdef
