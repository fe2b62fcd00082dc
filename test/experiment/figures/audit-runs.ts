import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { nodesLost } from '../../../experiment/figures/attempts.ts';
import type { NodeRecord } from '../../../experiment/records/nodes.ts';
import type { Progress } from '../../../experiment/records/progress.ts';
import type { Summary } from '../../../experiment/records/summary.ts';

export const AUDITOR = fileURLToPath(new URL('./audit.py', import.meta.url));

type Audit = { nodes?: [tries: number, busySeconds: number, share: number | null][] } & Record<
  string,
  unknown
>;

/** What the auditor finds in the raw records of these runs, in their order. */
export function audited(runs: readonly object[], auditor = readFileSync(AUDITOR, 'utf8')): Audit[] {
  const { stdout, stderr } = spawnSync('python3', ['-c', auditor], {
    input: runs.map((run) => `${JSON.stringify(run)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  expect(stderr).toBe('');
  const found = stdout.trim().split('\n');
  expect(found).toHaveLength(runs.length);
  return found.map((line) => JSON.parse(line));
}

/** The figures of a summary are those that the auditor found; what it leaves out nobody can know from the records. */
export function expectAudited(
  { tasks, timings, nodeHours, utilisation, nodes, attempts }: Summary,
  lost: number,
  { busy, nodeHours: hours, queuedSeconds: queued, nodes: use = [], attempts: each, ...found }: Audit,
  about: string,
): void {
  const { queuedSeconds, ...times } = timings;
  expect({ ...tasks, ...times, nodesLost: lost }, about).toEqual(found);
  if (queued !== undefined) expect(queuedSeconds, about).toBe(queued);
  // To the last digit shown: six of node-hours, four of a share.
  if (typeof hours === 'number') expect(nodeHours, about).toBeCloseTo(hours, 5.6);
  const shareOf = (share: unknown) => (typeof share === 'number' ? expect.closeTo(share, 3.99) : null);
  expect(utilisation, about).toEqual(shareOf(busy));
  expect(
    nodes.map((node) => [node.tasks, node.busySeconds, node.share]),
    about,
  ).toEqual(use.map(([tries, seconds, share]) => [tries, expect.closeTo(seconds, 3), shareOf(share)]));
  if (attempts !== undefined) {
    expect(
      attempts.map(({ ended, seconds }) => [ended, seconds]),
      about,
    ).toEqual(each);
    expect(attempts.flatMap((one) => one.lost)).toHaveLength(lost);
    const all = attempts.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0);
    expect(all, about).toBeCloseTo(timings.runSeconds ?? 0, 6);
  }
  const { lost: gone = 0, cutOff = 0, notStarted = 0, succeeded, failed, total } = tasks;
  if (tasks.lost !== undefined) expect(succeeded + failed + gone + cutOff + notStarted, about).toBe(total);
  for (const { share } of nodes) expect(share ?? 0).toBeLessThanOrEqual(1);
}

/**
 * Each real run in a local bucket that has its summary: what that says is what its raw records say.
 * @param jobs what Batch tells of the runs' jobs, as far as it can be asked yet: nothing else knows node-hours
 */
export function auditBucket(bucket: string, jobs: ReadonlyMap<string, object> = new Map()): void {
  const runs = existsSync(join(bucket, 'runs')) ? readdirSync(join(bucket, 'runs')) : [];
  const records = runs.flatMap((id) => {
    const text = (path: string) =>
      existsSync(join(bucket, path)) ? readFileSync(join(bucket, path), 'utf8') : undefined;
    const json = (path: string) => JSON.parse(text(path) ?? 'null');
    const run = `runs/${id}`;
    const summary: Summary | null = json(`${run}/summary.json`);
    if (summary === null) return [];
    const progress: Progress | null = json(`${run}/progress.json`);
    const nodes: NodeRecord[] = json(`${run}/nodes.json`) ?? [];
    const joblog = text(`${run}/joblog.tsv`) ?? '';
    const { acceptedAt } = json(`control/${id}.json`);
    const plan = json(`${run}/plan.json`);
    return [{ summary, raw: { plan, job: jobs.get(id), progress, nodes, joblog, acceptedAt } }];
  });
  if (records.length === 0) return;
  const found = audited(records.map(({ raw }) => raw));
  for (const [at, { summary, raw }] of records.entries()) {
    const { progress, nodes, joblog } = raw;
    const lost = nodesLost({ progress: progress ?? undefined, nodes });
    expectAudited(summary, lost, found[at] ?? {}, JSON.stringify({ summary, progress, nodes, joblog }));
  }
}
