"""Run research experiments on AWS Batch, or on one machine.

>>> import sierra_batch
>>> run = sierra_batch.run("./sim --seed {seed}", {"seed": range(1, 101)}, nodes=4)
>>> run.summary.headline
'Succeeded: 100 of 100 tasks in 12 s.'
"""

from ._client import Client, LocalSystem, Run, Summary
from ._command import Failed

_here = Client()
submit = _here.submit
run = _here.run
runs = _here.runs
get = _here.get

__all__ = ["Client", "Failed", "LocalSystem", "Run", "Summary", "get", "run", "runs", "submit"]
