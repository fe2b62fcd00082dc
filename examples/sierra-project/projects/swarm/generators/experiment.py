"""Nothing to add to what the engine does for each run."""

from engines.forage.generators.engine import for_single_exp_run

__all__ = ["for_single_exp_run"]
