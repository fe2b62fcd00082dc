import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nodesLost } from '../../../experiment/figures/attempts.ts';
import type { Progress } from '../../../experiment/records/progress.ts';
import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import { joblogRows, renderJoblog } from '../../../experiment/results/joblog.ts';
import { readTasks } from '../../../experiment/results/task-table.ts';
import { summarise } from '../../../experiment/summary/summarise.ts';
import { aNode, aPlan, aProgress, aRow, iso, START } from '../../fixtures/records.ts';
import { AUDITOR, audited, expectAudited } from './audit-runs.ts';

const RUNS = 1500;

/** One run's raw records: attempts, nodes that were lost, late or never came, retries, cuts, a run that it resumes. */
const anyRun = fc
  .record({
    total: fc.integer({ min: 1, max: 25 }),
    nodes: fc.array(fc.constantFrom('released', 'released', 'lost', 'late', 'never-came'), {
      minLength: 1,
      maxLength: 4,
    }),
    tries: fc.array(
      fc.record({
        seq: fc.integer({ min: 1, max: 25 }),
        node: fc.nat(4),
        at: fc.integer({ min: 0, max: 400_000 }),
        ms: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 90_000 })),
        exitval: fc.constantFrom(0, 0, 0, 1, 124, 137),
      }),
      { maxLength: 60 },
    ),
    open: fc.array(
      fc.record({
        seq: fc.integer({ min: 1, max: 25 }),
        node: fc.nat(3),
        at: fc.integer({ min: 300_000, max: 400_000 }),
        isLost: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
    attempts: fc.integer({ min: 1, max: 3 }),
    given: fc.nat(8),
    isResumed: fc.boolean(),
    retries: fc.nat(1),
    scheme: fc.constantFrom('pool' as const, 'stock' as const),
    hasEnd: fc.boolean(),
    isDone: fc.boolean(),
    knowsStarts: fc.boolean(),
  })
  .map((drawn) => {
    const { total, tries, attempts, nodes: states } = drawn;
    const after = (ms: number) => iso(ms / 1000);
    const starts = [0, 150_000, 290_000].slice(0, attempts);
    const given = drawn.isResumed ? Math.min(drawn.given, total) : 0;
    const host = (node: number) => `10.0.1.${10 + node}`;
    const before = Array.from({ length: given }, (_, at) =>
      aRow(at + 1, { startTime: START / 1000 - 5000 + at, runtime: 3 }),
    );
    const mine = tries
      .filter(({ seq }) => seq > given && seq <= total)
      .toSorted((a, b) => a.at + a.ms - b.at - b.ms)
      .map(
        ({ seq, node, at, ms, exitval }): JoblogRow =>
          aRow(seq, { host: host(node), startTime: START / 1000 + at / 1000, runtime: ms / 1000, exitval }),
      );
    const ended = new Set([...before, ...mine].map(({ seq }) => seq));
    const open = drawn.open.filter(
      ({ seq, node }, at, all) =>
        seq <= total &&
        !ended.has(seq) &&
        node < states.length &&
        all.findIndex((one) => one.seq === seq) === at,
    );
    const lost = open.filter(({ isLost }) => isLost).length;
    const nodes = states.map((state, index) => {
      const { joinedAt: _, ...node } = aNode(index, { state });
      if (state === 'never-came') return node;
      const lost = state === 'lost' ? { lostAt: iso(350) } : {};
      return { ...node, ...lost, joinedAt: iso(state === 'late' ? 320 : -5) };
    });
    const base = aProgress({
      attempt: attempts,
      startedAt: after((starts.at(-1) ?? 0) - 1000),
      joinedAt: after((starts.at(-1) ?? 0) - 200),
      tasksStartedAt: after(starts.at(-1) ?? 0),
    });
    const { tasksEndedAt: _, ...endless } = base;
    const progress: Progress = {
      ...endless,
      ...(drawn.hasEnd ? { tasksEndedAt: after(410_000) } : {}),
      phase: drawn.isDone ? 'done' : 'running',
      tasks: {
        total,
        succeeded: 0,
        failed: 0,
        retried: 0,
        running: 2,
        ...(drawn.knowsStarts ? { lost, cutOff: open.length - lost, notStarted: 0 } : {}),
      },
      open: open.map(({ seq, node, at, isLost }) => ({
        seq,
        node,
        startedAt: after(at),
        endedAt: after(at + 5000),
        end: isLost ? 'lost' : 'cut-off',
      })),
      earlier: starts.slice(0, -1).map((at, index) => ({
        attempt: index + 1,
        startedAt: after(at - 1000),
        ...(index === 0 ? { tasksEndedAt: after(at + 120_000) } : {}),
        lost: Array.from({ length: index + 1 }, (_, node) => ({ node, at: after(at), because: 'gone' })),
        ...(drawn.knowsStarts ? { underWay: index } : {}),
      })),
    };
    const plan = aPlan({
      fanout: drawn.scheme,
      retry: { attempts: 1, tasks: drawn.retries },
      cluster: { nodes: nodes.length, vcpus: 2, memoryMiB: 1024 },
      work: { kind: 'commands', file: { kind: 'frozen', key: 'k', total } },
      ...(drawn.isResumed ? { resume: 'sweep-00000000000' } : {}),
    });
    const job = {
      createdAt: START - 60_000,
      stoppedAt: START + 450_000,
      attempts: starts.map((at, index) => ({
        startedAt: START + at - 5000,
        stoppedAt: START + (starts[index + 1] ?? 450_000) - 9000,
      })),
    };
    return {
      plan,
      job,
      progress,
      nodes,
      joblog: renderJoblog([...before, ...mine]),
      acceptedAt: START - 60_000,
    };
  });

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
