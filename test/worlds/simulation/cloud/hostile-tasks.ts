import type { S3Port } from '../../../../aws/ports.ts';
import { runKeys } from '../../../../experiment/layout/bucket-keys.ts';
import type { Clock } from '../../../../experiment/util/clock.ts';
import type { LocalBatch } from '../../../../local/aws/batch/batch.ts';
import type { SeededRandom } from '../../../../local/clock/seeded-random.ts';
import { asJobRole } from '../../../../local/http/job-role.ts';
import type { Trace } from './trace.ts';

interface Surroundings {
  s3: S3Port;
  clock: Clock;
  random: SeededRandom;
  localBatch: LocalBatch;
  trace: Trace;
  bucket: string;
  /** Of each key that they could write. */
  onWritten(key: string): void;
}

/** Bytes that are no record of ours, or one with hostile values. */
const JUNK: readonly string[] = [
  '',
  '{',
  'null',
  '[]',
  '"\\ud800"',
  '{"version":99}',
  '9'.repeat(200_000),
  '\t\n'.repeat(1000),
];

/** As long as any job runs, its tasks write over what the job role may, in their own run's folder and in others'. */
export async function hostileTasks({
  s3,
  clock,
  random,
  localBatch,
  trace,
  bucket,
  onWritten,
}: Surroundings): Promise<never> {
  const tasks = asJobRole(s3);
  for (;;) {
    await clock.sleep(random.between(1000, 120_000));
    if (!localBatch.liveJobs().some(({ status }) => status === 'RUNNING')) continue;
    const victim = random.pick(localBatch.allJobs());
    const keys = runKeys(victim.name);
    const at = new Date(clock.now() + random.pick([0, -86_400_000, 1e12])).toISOString();
    const lies = [
      { jobId: random.pick(localBatch.allJobs()).id, attempt: random.pick([0, 1, 99]), nonce: 'of a task' },
      {
        runId: victim.name,
        jobId: victim.id,
        attempt: 1,
        phase: 'done',
        at,
        startedAt: at,
        exitCode: 0,
        reason: { kind: 'succeeded' },
        nodes: { expected: 1, joined: 1, lost: 0 },
        tasks: { total: 2, succeeded: 2, failed: 0, retried: 0, lost: 0, running: 0 },
        slots: 2,
        nodeHours: 0,
        rate: 0,
      },
    ];
    const Key = random.pick([
      keys.owner,
      keys.owner,
      keys.progress,
      keys.progress,
      keys.joblog,
      keys.lastLines,
      keys.nodes,
      keys.versions,
      keys.outputIndex,
      keys.plan,
      keys.status,
      keys.event(`ended-${'0'.repeat(16)}`),
      `${keys.events}owner.json`,
      keys.summary,
      keys.report,
      keys.manifest,
      keys.commands,
    ]);
    const Body = random.chance(0.5) ? JSON.stringify(random.pick(lies)) : random.pick(JUNK);
    trace.add('task writes', { key: Key, begins: Body.slice(0, 40) });
    await tasks.putObject({ Bucket: bucket, Key, Body }).then(
      () => onWritten(Key),
      () => undefined, // The job role may not: it tries on.
    );
  }
}
