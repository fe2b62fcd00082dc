import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nodesLost } from '../../../experiment/figures/attempts.ts';
import { joblogRows } from '../../../experiment/results/joblog.ts';
import { readTasks } from '../../../experiment/results/task-table.ts';
import { summarise } from '../../../experiment/summary/summarise.ts';
import { anyRun } from './any-run.ts';
import { AUDITOR, audited, expectAudited } from './audit-runs.ts';

const RUNS = 1500;

const runs = fc.sample(anyRun, { numRuns: RUNS, seed: 20_261_130 });
const summaries = await Promise.all(
  runs.map(async (run) => {
    const { plan, joblog, acceptedAt } = run;
    const tasks = await readTasks(joblogRows(joblog), plan.resume === undefined ? undefined : acceptedAt);
    return summarise({ ...run, outcome: 'failed', tasks, stderrTails: new Map() });
  }),
);

/** @throws where one of them is not what the auditor found */
function compare(auditor?: string): void {
  const found = audited(runs, auditor);
  for (const [at, run] of runs.entries()) {
    const summary = summaries[at];
    if (summary !== undefined) expectAudited(summary, nodesLost(run), found[at] ?? {}, JSON.stringify(run));
  }
}

it('every figure of a summary is what an auditor who shares no code finds in the raw records', () =>
  compare());

// Whichever of the two is wrong, they differ.
it.each([
  ['earlier runs count as this one', 'row["from"] >= began', 'True'],
  ['the first try counts', 'for row in rows}\n    good', 'for row in reversed(rows)}\n    good'],
  ['two tries are no retry', 'for row in rows) > 1', 'for row in rows) > 2'],
  ['stock tells of retries', 'None if plan["fanout"] == "stock" else sum', 'sum'],
  ['what ran with a lost node 0 is forgotten', '0 if progress["phase"] == "done" else told["running"]', '0'],
  ['what was not started was cut off', 'min(left - lost, told["cutOff"])', 'left - lost'],
  ['the last attempt’s seconds', 'seconds += to - first', 'seconds = to - first'],
  [
    'a task counts in its last attempt alone',
    'low <= row["from"] < high}',
    'low <= last[row["seq"]]["from"] < high}',
  ],
  ['a cut run ends with its last row', 'cut = left > 0', 'cut = False'],
  ['open tries are nothing', 'progress.get("open", [])', '[]'],
  [
    'nodes that never came are free',
    '* plan["cluster"]["nodes"]',
    '* sum("joinedAt" in one for one in nodes)',
  ],
  ['the last attempt’s hours', '["attempts"]) / 3', '["attempts"][-1:]) / 3'],
  ['the last attempt’s losses', ' + sum(len(one["lost"]) for one in earlier)', ''],
  ['earlier attempts keep slots busy', 'start >= since and', ''],
  ['a lost node has slots to the end', 'if node["state"] == "lost" else None', 'if False else None'],
  ['a late node has slots from the start', 'low if joined is None else joined', 'low'],
  ['nobody waited for who never came', 'if any(node["state"] == "never-came" for node in nodes) or', 'if'],
  ['stock tells how busy it was', ' and not blind', ''],
  ['queued until the last attempt', 'job["attempts"][0].get', 'job["attempts"][-1].get'],
])('a planted mistake is found: %s', (_, right, wrong) => {
  const auditor = readFileSync(AUDITOR, 'utf8');
  expect(auditor.split(right)).toHaveLength(2);
  expect(() => compare(auditor.replace(right, () => wrong))).toThrow();
});
