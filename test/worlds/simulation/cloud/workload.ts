import type { S3Port, StatesPort } from '../../../../aws/ports.ts';
import { makeRunId } from '../../../../experiment/layout/run-id.ts';
import { executionArn } from '../../../../experiment/run/execution.ts';
import type { Clock } from '../../../../experiment/util/clock.ts';
import type { SeededRandom } from '../../../../local/clock/seeded-random.ts';
import type { Trace } from './trace.ts';

/** One version of one manifest as somebody dropped it: all that the model knows of what was asked. */
export interface Drop {
  key: string;
  version: string;
  at: number;
  isValid: boolean;
  /** Only for a valid one. */
  runId: string;
  /** The key was deleted at this time. */
  deletedAt?: number;
  /** Somebody stopped its execution at this time. */
  cancelledAt?: number;
}

export interface WorkloadSettings {
  s3: S3Port;
  states: StatesPort;
  clock: Clock;
  random: SeededRandom;
  trace: Trace;
  bucket: string;
  stateMachineArn: string;
}

/** People: they drop manifests good and bad, overwrite and delete them, and stop what they started. */
export async function workload(settings: WorkloadSettings, drops: Drop[]): Promise<void> {
  const { random } = settings;
  const people = Array.from({ length: random.between(1, 3) }, (_, index) => person(settings, index, drops));
  await Promise.all(people);
}

async function person(settings: WorkloadSettings, index: number, drops: Drop[]): Promise<void> {
  const { clock, random, trace } = settings;
  await clock.sleep(random.between(0, 10 * 60_000));
  const name = `sweep-${index}`;
  const key = `manifests/${random.pick(['a', 'ä b', 'deep/er'])}/${name}.yaml`;
  const first = await drop(settings, key, name, random.chance(0.8), drops);
  if (random.chance(0.25)) {
    await clock.sleep(random.between(0, 30_000));
    await drop(settings, key, name, random.chance(0.8), drops);
  }
  if (random.chance(0.1)) {
    await clock.sleep(random.between(0, 2000));
    await remove(settings, first.key, drops);
  }
  if (!random.chance(0.35)) return;
  await clock.sleep(random.between(0, 15 * 60_000));
  const victim = random.pick(drops);
  if (!victim.isValid) return;
  trace.add(`person ${index} cancels`, { runId: victim.runId });
  try {
    await settings.states.stopExecution({
      executionArn: executionArn(settings.stateMachineArn, victim.runId),
      cause: 'cancelled by a person',
    });
    victim.cancelledAt = clock.now();
  } catch (error) {
    // There is no execution yet: the person gives up.
    trace.add(`person ${index} cannot cancel`, { error: error instanceof Error ? error.name : error });
  }
}

async function drop(
  settings: WorkloadSettings,
  key: string,
  name: string,
  isValid: boolean,
  drops: Drop[],
): Promise<Drop> {
  const { s3, bucket, clock, random, trace } = settings;
  const text = manifest(name, random, isValid);
  const { VersionId: version = '' } = await s3.putObject({ Bucket: bucket, Key: key, Body: text });
  const dropped: Drop = {
    key,
    version,
    at: clock.now(),
    isValid,
    runId: makeRunId(name, { bucket, key, version }),
  };
  drops.push(dropped);
  trace.add('drop', { key, version, isValid, runId: dropped.runId });
  return dropped;
}

/** With all that was dropped under this key so far. */
async function remove(
  { s3, bucket, clock, trace }: WorkloadSettings,
  key: string,
  drops: readonly Drop[],
): Promise<void> {
  await s3.deleteObject({ Bucket: bucket, Key: key });
  for (const dropped of drops) if (dropped.key === key) dropped.deletedAt = clock.now();
  trace.add('delete', { key });
}

function manifest(name: string, random: SeededRandom, isValid: boolean): string {
  return `apiVersion: sierra-batch/v1
name: ${name}
cluster: {nodes: ${isValid ? random.between(1, 3) : 0}, vcpus: 2, memory: 1GiB}
run:
  commands: {list: ["echo a", "echo b"]}
timeouts: {queue: ${random.pick(['10m', '1h'])}, join: 5m, run: ${random.pick(['10m', '1h'])}}
retry: {attempts: ${random.between(1, 3)}}
notify: [rejected, stuck, failed, succeeded, cancelled, timed-out]
${random.chance(0.3) ? 'budget: {maxNodeHours: 0.2}' : ''}
`;
}
