"""`--exp-setup=exp_setup.T<steps>`."""

import implements

from sierra.core.experiment import definition
from sierra.core.variables import exp_setup
from sierra.core.variables.base_variable import IBaseVariable


@implements.implements(IBaseVariable)
class ExpSetup:
    def __init__(self, steps: int) -> None:
        self.steps = steps

    def gen_attr_changelist(self) -> list[definition.AttrChangeSet]:
        return [
            definition.AttrChangeSet(definition.AttrChange("$.setup", "steps", self.steps))
        ]

    def gen_tag_rmlist(self) -> list[definition.ElementRmList]:
        return []

    def gen_element_addlist(self) -> list[definition.ElementAddList]:
        return []

    def gen_files(self) -> None:
        pass


def factory(arg: str) -> ExpSetup:
    return ExpSetup(exp_setup.parse(arg, {"n_secs_per_run": 100})["n_secs_per_run"])
