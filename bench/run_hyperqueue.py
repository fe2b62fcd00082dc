"""Runs a list of commands by HyperQueue: a server and a worker a node, all in this process as its Python package has it.

    run_hyperqueue.py COMMANDS FOLDER NODES SLOTS

Prints the seconds from the submission to the end of the last task.
"""
import os
import sys
import time
from pathlib import Path

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

commands, folder, nodes, slots = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
with LocalCluster(str(folder / "server")) as cluster:
    for _ in range(nodes):
        cluster.start_worker(WorkerConfig(cores=slots))
    client = cluster.client()
    job = Job(default_workdir=folder / "work", max_fails=None)
    (folder / "work").mkdir()
    with open(commands) as lines:
        for line in lines:
            job.program(["/bin/bash", "-c", line.rstrip("\n")], env=dict(os.environ))
    begin = time.monotonic()
    submitted = client.submit(job)
    ok = client.wait_for_jobs([submitted])
    seconds = time.monotonic() - begin
if not ok:
    sys.exit("not every task succeeded")
print(seconds)
