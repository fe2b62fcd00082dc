"""Recomputes the figures of runs from their raw records. Shares no code with the product: Python's standard library alone.

    python3 audit.py < RUNS > FIGURES       a run a line, as JSON

A run is {plan, job, progress, nodes, joblog, acceptedAt}: what lies in its folder and what Batch tells of its job
(times in milliseconds since the epoch, the joblog as text). Every definition is written down here for itself. What cannot
be known from these records is left out.
"""

import json
import sys
from datetime import datetime


def ms(text):
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


def rows_of(text):
    rows = []
    for line in text.split("\n")[1:-1]:
        cells = line.split("\t", 8)
        rows.append(
            {
                "seq": int(cells[0]),
                "host": cells[1],
                "from": float(cells[2]) * 1000,
                "to": (float(cells[2]) + float(cells[3])) * 1000,
                "ok": cells[6] == "0" and cells[7] == "0",
            }
        )
    return rows


NOTHING = {"tasks": {"total": 0}, "phase": "checking"}


def audit(run):
    plan, progress, nodes = run["plan"], run["progress"] or NOTHING, run["nodes"]
    every = rows_of(run["joblog"])
    goes_on = "resume" in plan or "workspace" in plan
    began = run["acceptedAt"] if goes_on else float("-inf")
    rows = [row for row in every if row["from"] >= began]
    mine = {row["seq"] for row in rows}
    before = {row["seq"] for row in every if row["from"] < began and row["ok"]} - mine
    last = {row["seq"]: row for row in rows}
    good = sum(row["ok"] for row in last.values())
    planned = plan["work"].get("file", {}).get("total", 0)
    total = max(planned, progress["tasks"]["total"], len(before) + len(last))
    figures = {
        "total": total,
        "succeeded": len(before) + good,
        "failed": len(last) - good,
        "before": len(before),
        "retried": None if plan["fanout"] == "stock" else sum(
            1 for seq in mine if sum(row["seq"] == seq for row in rows) > 1
        ),
    }
    left = total - len(before) - len(last)
    told = progress["tasks"]
    if left == 0:
        figures.update(lost=0, cutOff=0, notStarted=0)
    elif "lost" in told and "cutOff" in told:
        lost = min(left, told["lost"] + (0 if progress["phase"] == "done" else told["running"]))
        cut = min(left - lost, told["cutOff"])
        figures.update(lost=lost, cutOff=cut, notStarted=left - lost - cut)

    # Attempts: their tries by when they began.
    tries = [(row["from"], row["to"], row["host"]) for row in rows]
    address = {node["index"]: node.get("address") for node in nodes}
    tries += [
        (ms(one["startedAt"]), ms(one["endedAt"]), address.get(one["node"])) for one in progress.get("open", [])
    ]
    earlier = progress.get("earlier", [])
    starts = [ms(one["startedAt"]) for one in earlier] + [ms(progress.get("startedAt")) or float("-inf")]
    seconds, spans, attempts = 0, [], []
    for at in range(len(starts)):
        low = float("-inf") if at == 0 else starts[at]
        high = starts[at + 1] if at + 1 < len(starts) else float("inf")
        own = [one for one in tries if low <= one[0] < high]
        is_last = at == len(starts) - 1
        end = ms(progress.get("tasksEndedAt") if is_last else earlier[at].get("tasksEndedAt"))
        first = min([one[0] for one in own], default=None)
        to = max([one[1] for one in own], default=None)
        if is_last:
            noted = ms(progress.get("tasksStartedAt"))
            cut = left > 0
        else:
            noted, cut = None, True
        if cut and end is not None:
            candidates = [moment for moment in (first, noted) if moment is not None and moment <= end]
            if candidates:
                first = min(candidates) if first is None else min([first, *candidates])
                to = end if to is None else max(to, end)
        if first is not None:
            spans.append((first, to, is_last))
            seconds += to - first
        ended = {row["seq"] for row in rows if low <= row["from"] < high}
        attempts.append([len(ended), None if first is None else round(to - first) / 1000])
    figures["attempts"] = attempts
    figures["runSeconds"] = round(seconds) / 1000 if spans else None

    # Node-hours: nodes times the time of each attempt, by Batch.
    if run.get("job") is not None:
        hours = sum(max(0, one["stoppedAt"] - one["startedAt"]) for one in run["job"]["attempts"]) / 3_600_000
        figures["nodeHours"] = round(hours * plan["cluster"]["nodes"], 6)
    lost_now = sum(node["state"] == "lost" for node in nodes)
    figures["nodesLost"] = lost_now + sum(len(one["lost"]) for one in earlier)

    # Busy: the last attempt's tries over the slots that were there, of each node and of all.
    busy, slots, count = [0.0] * len(nodes), [0.0] * len(nodes), [0] * len(nodes)
    if spans and spans[-1][2]:
        since = starts[-1] if earlier else float("-inf")
        low, high, _ = spans[-1]
        for at, node in enumerate(nodes):
            if node["state"] == "never-came":
                continue
            joined = ms(node.get("joinedAt"))
            gone = ms(node.get("lostAt")) if node["state"] == "lost" else None
            there = min(high, high if gone is None else gone) - max(low, low if joined is None else joined)
            slots[at] = node["slots"] * max(0, there)
        places = {node.get("address"): at for at, node in enumerate(nodes)}
        for start, end, host in tries:
            if start >= since and host in places:
                count[places[host]] += 1
                busy[places[host]] += max(0, min(high, end) - max(low, start))
    # GNU parallel keeps the last try alone: what the others took is not known.
    blind = plan["fanout"] == "stock" and plan["retry"]["tasks"] > 0
    share = lambda part, whole: min(1, part / whole) if whole > 0 and not blind else None
    figures["busy"] = share(sum(busy), sum(slots))
    figures["nodes"] = [
        [count[at], busy[at] / 1000, share(busy[at], slots[at])] for at in range(len(nodes))
    ]

    # Waiting: for machines by Batch; for nodes until the last of them had joined, or was no longer waited for.
    job = run.get("job")
    if job is not None and "createdAt" in job:
        began_at = job["attempts"][0].get("startedAt") if job["attempts"] else None
        figures["queuedSeconds"] = None if began_at is None else max(0, began_at - job["createdAt"]) / 1000
    up, on = ms(progress.get("startedAt")), ms(progress.get("joinedAt"))
    came = [ms(node["joinedAt"]) for node in nodes if "joinedAt" in node]
    came = [moment for moment in came if moment <= (on or 0)]
    if any(node["state"] == "never-came" for node in nodes) or not came:
        came = [on]
    figures["joinSeconds"] = None if up is None or came == [None] else max(0, max(came) - up) / 1000
    return figures


for line in sys.stdin:
    print(json.dumps(audit(json.loads(line))))
