import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Port } from '../../../aws/ports.ts';
import { ProgressSender } from '../../../container/attempt/progress-sender.ts';
import { Roster } from '../../../container/attempt/roster.ts';
import { takeOwnership } from '../../../container/run/ownership.ts';
import { TaskTally } from '../../../container/tasks/tally.ts';
import { getText, putText } from '../../../container/transfer/objects.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import type { Clock, MakeNonce } from '../../../experiment/util/clock.ts';
import type { NodeExit, NodeSpec, StartNode } from '../../../local/aws/batch/node-start.ts';

export interface CountedNodeSettings {
  s3: S3Port;
  clock: Clock;
  nonce: MakeNonce;
  bucket: string;
  runSeconds: number;
  /** Files that are sent at the end. */
  outputs: number;
}

const TASKS = 100;
const SLOTS = 16;

/**
 * Nodes whose tasks take virtual time. Node 0 asks the bucket what the runner asks: with the runner's own fence and its own
 * sender of progress; inputs, task output and logs as many as it would send.
 */
export function countedNode(settings: CountedNodeSettings): StartNode {
  return async (spec) => {
    const ending = Promise.withResolvers<NodeExit>();
    const exited = spec.isMain ? Promise.race([ending.promise, lead(settings, spec)]) : ending.promise;
    return {
      address: `10.0.0.${10 + spec.index}`,
      exited,
      terminate: () => ending.resolve({ exitCode: EXIT.terminated }),
      kill: () => ending.resolve({ exitCode: 137 }),
    };
  };
}

async function lead(settings: CountedNodeSettings, spec: NodeSpec): Promise<NodeExit> {
  const { s3, clock, nonce, bucket, runSeconds, outputs } = settings;
  const runId = spec.jobName;
  const keys = runKeys(runId);
  const me = { jobId: spec.jobId, attempt: spec.attempt, nonce: nonce() };
  const fence = await takeOwnership(s3, { bucket, runId }, me, clock);
  if (fence.kind === 'other') return { exitCode: EXIT.notOwner };
  for (const key of [keys.plan, keys.progress, keys.commands]) await getText(s3, { bucket, key });
  const roster = new Roster(spec.numNodes, SLOTS);
  const progress = new ProgressSender({
    config: { bucket, runId, jobId: spec.jobId, attempt: spec.attempt, progressSeconds: 10 },
    s3,
    clock,
    log: () => undefined,
    roster,
    startedAt: clock.now(),
    earlierNodeHours: 0,
  });
  progress.start();
  progress.enter('joining');
  await clock.sleep(5000);
  for (let index = 0; index < spec.numNodes; index += 1)
    roster.joined(
      index,
      { address: `10.0.0.${10 + index}`, cpus: SLOTS, startedAt: clock.now(), versions: {} },
      clock.now(),
      false,
    );
  progress.tally = new TaskTally(TASKS, []);
  progress.tasksStartedAt = clock.now();
  progress.enter('running');
  for (let seq = 1; seq <= TASKS; seq += 1) {
    await clock.sleep((runSeconds * 1000) / TASKS);
    const host = `10.0.0.${10 + (seq % spec.numNodes)}`;
    const startTime = clock.now() / 1000 - runSeconds / TASKS;
    const row = {
      seq,
      host,
      startTime,
      runtime: runSeconds / TASKS,
      send: 0,
      receive: 0,
      exitval: 0,
      signal: 0,
      command: 'task',
    };
    progress.tally.ended(row, clock.now());
  }
  progress.tasksEndedAt = clock.now();
  progress.enter('collecting');
  for (let file = 0; file < outputs; file += 1)
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${keys.outputs}${file}`, Body: 'x' }));
  if (outputs > 0) await putText(s3, { bucket, key: keys.outputIndex, text: '{"files":[],"missing":[]}' });
  for (let index = 0; index < spec.numNodes; index += 1)
    await putText(s3, { bucket, key: keys.nodeLog(index), text: 'log', contentType: 'text/plain' });
  roster.released(clock.now(), 0);
  await progress.finish({ kind: 'succeeded' }, clock.now() + 30_000);
  return { exitCode: EXIT.succeeded };
}
