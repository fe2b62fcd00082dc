import type { JobStatus } from '@aws-sdk/client-batch';
import type { Clock } from '../../../experiment/util/clock.ts';
import { aborted, within } from '../../../experiment/util/timers.ts';
import type { Attempt, ChildJob, Job } from './job.ts';
import type { NodeExit, NodeSpec, RunningNode, StartNode } from './node-start.ts';
import { retriesAfter } from './retry-decision.ts';

/** Batch gives containers 30 s between SIGTERM and SIGKILL. */
const KILL_AFTER_MS = 30_000;

export interface JobSurroundings {
  clock: Clock;
  startNode: StartNode;
  delays: Delays;
  /** Resolves when there are instances for the job; may never do so. Rejects when the signal aborts. */
  capacity: (job: Job, signal: AbortSignal) => Promise<() => void>;
  onChange: (job: Job) => void;
}

/** Milliseconds that Batch takes; minutes on AWS, next to nothing locally. */
export interface Delays {
  pending: number;
  starting: number;
  /** From main's start to that of each child, by index. */
  child: (index: number) => number;
}

/** Takes a job through its states to its end. Never rejects. */
export async function runJob(job: Job, around: JobSurroundings): Promise<void> {
  const { clock, delays, onChange } = around;
  const signal = job.ending.signal;
  const enter = (status: JobStatus, statusReason?: string) => {
    job.status = status;
    if (statusReason === undefined) delete job.statusReason;
    else job.statusReason = statusReason;
    onChange(job);
  };

  const attempts = job.input.retryStrategy?.attempts ?? job.definition.input.retryStrategy?.attempts ?? 1;
  const rules =
    job.input.retryStrategy?.evaluateOnExit ?? job.definition.input.retryStrategy?.evaluateOnExit ?? [];
  try {
    await clock.sleep(delays.pending, signal);
    enter('PENDING');
    for (let number = 1; ; number += 1) {
      enter('RUNNABLE', job.statusReason);
      const release = await around.capacity(job, signal);
      let exit: NodeExit;
      try {
        enter('STARTING');
        await clock.sleep(delays.starting, signal);
        exit = await runAttempt(job, number, around, () => enter('RUNNING'));
      } finally {
        release();
      }
      const statusReason = job.terminated ?? exit.statusReason ?? 'Essential container in task exited';
      const failed = exit.exitCode !== 0;
      if (
        !failed ||
        job.terminated !== undefined ||
        exit.statusReason === TIMED_OUT ||
        number === attempts ||
        !retriesAfter(exit, statusReason, rules)
      ) {
        job.stoppedAt = clock.now();
        enter(failed || job.terminated !== undefined ? 'FAILED' : 'SUCCEEDED', statusReason);
        return;
      }
      job.statusReason = statusReason;
    }
  } catch (error) {
    // The signal, when it was terminated or cancelled before an attempt ran; anything else is a fault of this Batch.
    job.stoppedAt = clock.now();
    enter(
      'FAILED',
      job.terminated ?? (signal.aborted ? 'Terminated' : `Local Batch failed: ${String(error)}`),
    );
  }
}

const TIMED_OUT = 'Job attempt duration exceeded timeout';

/** One attempt: main first, then the children; main's end is the attempt's end. */
async function runAttempt(
  job: Job,
  number: number,
  around: JobSurroundings,
  onRunning: () => void,
): Promise<NodeExit> {
  const { clock } = around;
  const attempt: Attempt = {
    startedAt: clock.now(),
    logStreamName: `${job.definition.name}/default/${job.id}-${number}`,
  };
  job.startedAt = clock.now();
  job.children = Array.from({ length: job.request.numNodes }, (_, index) => ({
    index,
    status: 'STARTING',
    createdAt: clock.now(),
    logStreamName: `${attempt.logStreamName}-${index}`,
  }));
  const main = await startMain(job, number, around);
  if ('failed' in main) return finish(job, attempt, main.failed, clock.now());
  onRunning();
  const over = new AbortController();
  const children = startChildren(job, number, around, main.node.address, over.signal);
  const exit = await mainExit(job, main.node, clock);
  over.abort();
  const mainChild = job.children[job.request.mainNode];
  if (mainChild !== undefined) closeChild(mainChild, exit, clock.now());
  await Promise.all((await children).map((child) => endNode(child, clock)));
  return finish(job, attempt, exit, clock.now());
}

async function startMain(
  job: Job,
  attempt: number,
  around: JobSurroundings,
): Promise<{ node: RunningNode } | { failed: NodeExit }> {
  try {
    const node = await around.startNode(nodeSpec(job, attempt, job.request.mainNode));
    const child = job.children[job.request.mainNode];
    if (child !== undefined) openChild(child, around.clock.now());
    return { node };
  } catch (error) {
    return {
      failed: {
        reason: `CannotStartContainerError: ${error instanceof Error ? error.message : String(error)}`,
        statusReason: 'Task failed to start',
      },
    };
  }
}

/** Children start after main runs, each in its own time; one that cannot start or dies changes nothing for the job. */
async function startChildren(
  job: Job,
  attempt: number,
  around: JobSurroundings,
  mainAddress: string,
  over: AbortSignal,
): Promise<RunningNode[]> {
  const started = job.children
    .filter((child) => child.index !== job.request.mainNode)
    .map(async (child) => {
      try {
        await around.clock.sleep(around.delays.child(child.index), over);
        const spec = nodeSpec(job, attempt, child.index);
        const node = await around.startNode({
          ...spec,
          environment: { ...spec.environment, AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS: mainAddress },
        });
        openChild(child, around.clock.now());
        void node.exited.then((exit) => closeChild(child, exit, around.clock.now()));
        return node;
      } catch (error) {
        closeChild(
          child,
          { reason: error instanceof Error ? error.message : String(error) },
          around.clock.now(),
        );
        return undefined;
      }
    });
  return (await Promise.all(started)).filter((node) => node !== undefined);
}

async function mainExit(job: Job, main: RunningNode, clock: Clock): Promise<NodeExit> {
  const seconds =
    job.input.timeout?.attemptDurationSeconds ?? job.definition.input.timeout?.attemptDurationSeconds;
  const { signal } = job.ending;
  const ended = new AbortController();
  const exited = main.exited.finally(() => ended.abort());
  const told = aborted(signal);
  const late =
    seconds === undefined ? told : clock.sleep(seconds * 1000, ended.signal).catch(() => undefined);
  await Promise.race([exited, told, late]);
  if (ended.signal.aborted) return exited;
  const timedOut = !signal.aborted;
  const exit = await endNode(main, clock);
  return timedOut ? { ...exit, statusReason: TIMED_OUT } : exit;
}

/** SIGTERM, and SIGKILL to what has not ended by then. */
async function endNode(node: RunningNode, clock: Clock): Promise<NodeExit> {
  node.terminate();
  await within(clock, KILL_AFTER_MS, node.exited, () => node.kill());
  return node.exited;
}

function nodeSpec(job: Job, attempt: number, index: number): NodeSpec {
  const node = job.request.nodes[index];
  if (node === undefined) throw new RangeError(`the job has no node ${index}`);
  return {
    jobId: job.id,
    jobName: job.name,
    attempt,
    index,
    isMain: index === job.request.mainNode,
    numNodes: job.request.numNodes,
    vcpus: node.vcpus,
    memoryMiB: node.memoryMiB,
    image: node.image,
    command: node.command,
    environment: {
      ...node.environment,
      AWS_BATCH_JOB_ID: `${job.id}#${index}`,
      AWS_BATCH_JOB_ATTEMPT: String(attempt),
      AWS_BATCH_JOB_NODE_INDEX: String(index),
      AWS_BATCH_JOB_MAIN_NODE_INDEX: String(job.request.mainNode),
      AWS_BATCH_JOB_NUM_NODES: String(job.request.numNodes),
      AWS_BATCH_JQ_NAME: job.queue.split('/').at(-1) ?? job.queue,
    },
  };
}

function openChild(child: ChildJob, at: number): void {
  child.status = 'RUNNING';
  child.startedAt = at;
}

function closeChild(child: ChildJob, exit: NodeExit, at: number): void {
  if (child.stoppedAt !== undefined) return;
  child.status = exit.exitCode === 0 ? 'SUCCEEDED' : 'FAILED';
  child.stoppedAt = at;
  if (exit.exitCode !== undefined) child.exitCode = exit.exitCode;
  if (exit.reason !== undefined) child.reason = exit.reason;
}

function finish(job: Job, attempt: Attempt, exit: NodeExit, at: number): NodeExit {
  attempt.stoppedAt = at;
  attempt.statusReason = job.terminated ?? exit.statusReason ?? 'Essential container in task exited';
  if (exit.exitCode !== undefined) attempt.exitCode = exit.exitCode;
  if (exit.reason !== undefined) attempt.reason = exit.reason;
  job.attempts.push(attempt);
  return exit;
}
