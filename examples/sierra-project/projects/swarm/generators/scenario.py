"""The one scenario, `arena`: what the engine does for all experiments."""

import typing as tp

from engines.forage.generators.engine import for_all_exp

__all__ = ["for_all_exp", "to_dict", "to_generator_name"]


def to_dict(scenario: str) -> dict[str, tp.Any]:
    return {"arena_x": 20, "arena_y": 20, "arena_z": 0, "scenario_tag": scenario}


def to_generator_name(scenario: str) -> str:
    assert scenario == "arena", f"the only scenario is `arena`, not {scenario}"
    return "for_all_exp"
