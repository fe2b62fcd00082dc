import type { S3Port } from '../../../../aws/ports.ts';
import { takeOwnership } from '../../../../container/run/ownership.ts';
import { runKeys } from '../../../../experiment/layout/bucket-keys.ts';
import type { ExitCode } from '../../../../experiment/records/exit-code.ts';
import { EXIT } from '../../../../experiment/records/exit-code.ts';
import type { Progress, RunnerPhase, RunnerReason } from '../../../../experiment/records/progress.ts';
import { renderJoblog } from '../../../../experiment/results/joblog.ts';
import type { Clock } from '../../../../experiment/util/clock.ts';
import { defined } from '../../../../experiment/util/defined.ts';
import type { NodeExit, NodeSpec, RunningNode } from '../../../../local/aws/batch/node-start.ts';
import type { SeededRandom } from '../../../../local/clock/seeded-random.ts';
import type { Faults } from '../faults/faults.ts';
import type { Trace } from './trace.ts';

export interface NodeSettings {
  s3: S3Port;
  clock: Clock;
  random: SeededRandom;
  faults: Faults;
  trace: Trace;
  bucket: string;
  /** Told of every job that passed the fence. */
  onOwned: (owned: { runId: string; jobId: string; attempt: number }) => void;
  onFenced: () => void;
}

/** Each minute node 0 tells how far it is; on AWS every ten seconds. */
const TELL_MS = 60_000;

/** Nodes without processes: node 0 takes the real fence and writes what the real one writes, the others wait for it. */
export function simulatedNodes(settings: NodeSettings): (spec: NodeSpec) => Promise<RunningNode> {
  return async (spec) => {
    if (settings.faults.strikes('container-not-started'))
      throw new Error('CannotPullContainerError: simulated');
    return spec.isMain ? mainNode(settings, spec) : workerNode(settings, spec);
  };
}

function workerNode({ clock, random }: NodeSettings, spec: NodeSpec): RunningNode {
  const exited = Promise.withResolvers<NodeExit>();
  const lingers = random.between(0, 20_000);
  // Before main, with 0, as in the run that was recorded: it must change nothing.
  if (random.chance(0.2))
    void clock.sleep(random.between(0, 300_000)).then(() => exited.resolve({ exitCode: 0 }));
  return {
    address: `10.0.1.${spec.index}`,
    exited: exited.promise,
    terminate: () => void clock.sleep(lingers).then(() => exited.resolve({ exitCode: 0 })),
    kill: () => exited.resolve({ exitCode: 137 }),
  };
}

function mainNode(settings: NodeSettings, spec: NodeSpec): RunningNode {
  const exited = Promise.withResolvers<NodeExit>();
  const node = new MainNode(settings, spec, exited.resolve);
  void node.run();
  return {
    address: '10.0.1.0',
    exited: exited.promise,
    terminate: () => void node.terminate(),
    kill: () => node.leave({ exitCode: 137 }),
  };
}

class MainNode {
  readonly #settings: NodeSettings;
  readonly #spec: NodeSpec;
  readonly #exit: (exit: NodeExit) => void;
  readonly #runId: string;
  readonly #startedAt: string;
  readonly #nonce: string;
  readonly #isSilent: boolean;
  #isGone = false;
  #owns = false;
  #tasksStartedAt: string | undefined;
  #tasksEndedAt: string | undefined;

  constructor(settings: NodeSettings, spec: NodeSpec, exit: (exit: NodeExit) => void) {
    this.#settings = settings;
    this.#spec = spec;
    this.#exit = exit;
    this.#runId = spec.jobName;
    this.#startedAt = this.#time();
    this.#nonce = settings.random.nonce();
    this.#isSilent = settings.faults.strikes('node-0-silent');
  }

  async run(): Promise<void> {
    const { clock, random, s3, bucket, faults, onOwned, onFenced } = this.#settings;
    const { jobId, attempt } = this.#spec;
    await clock.sleep(random.between(0, random.pick([1000, 20_000])));
    if (this.#isGone) return;
    const fence = await takeOwnership(
      s3,
      { bucket, runId: this.#runId },
      { jobId, attempt, nonce: this.#nonce },
      clock,
    );
    if (this.#isGone) return;
    if (fence.kind === 'other') {
      onFenced();
      return this.#leaveWith(EXIT.notOwner, { kind: 'not-owner', owner: fence.owner.jobId });
    }
    this.#owns = true;
    onOwned({ runId: this.#runId, jobId, attempt });
    await this.#tell('joining');
    if (this.#isSilent) return; // Frozen: only Batch's SIGKILL ends it.
    await clock.sleep(random.between(1000, 60_000));
    if (faults.strikes('node-0-lost'))
      return this.leave({ statusReason: 'Host EC2 (instance i-0123456789abcdef0) terminated.' });
    if (random.chance(0.1))
      return this.#leaveWith(EXIT.tooFewJoined, {
        kind: 'too-few-joined',
        joined: 1,
        needed: 2,
        missing: [1],
      });
    this.#tasksStartedAt = this.#time();
    for (let minutes = random.between(1, 8); minutes > 0 && !this.#isGone; minutes -= 1) {
      await this.#tell('running');
      await clock.sleep(TELL_MS);
      if (faults.strikes('node-0-lost'))
        return this.leave({ statusReason: 'Host EC2 (instance i-0123456789abcdef0) terminated.' });
    }
    this.#tasksEndedAt = this.#time();
    await this.#tell('collecting');
    await clock.sleep(random.between(0, random.pick([1000, 20_000])));
    await this.#leaveWith(...random.pick(ENDINGS));
  }

  /** SIGTERM: it tells its end and leaves, unless it is frozen. */
  async terminate(): Promise<void> {
    const { clock, random } = this.#settings;
    const lingers = random.between(0, 25_000);
    if (this.#isSilent && this.#owns) return;
    await clock.sleep(lingers);
    await this.#leaveWith(EXIT.terminated, { kind: 'terminated', signal: 'SIGTERM' });
  }

  leave(exit: NodeExit): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#settings.trace.add(`node 0 of ${this.#spec.jobId}-${this.#spec.attempt} leaves`, { ...exit });
    this.#exit(exit);
  }

  async #leaveWith(exitCode: ExitCode, reason: RunnerReason): Promise<void> {
    if (this.#isGone) return;
    if (this.#owns) await this.#tell('done', exitCode, reason);
    this.leave({ exitCode });
  }

  async #tell(phase: RunnerPhase, exitCode?: ExitCode, reason?: RunnerReason): Promise<void> {
    if (this.#isGone) return;
    const done = this.#tasksEndedAt !== undefined;
    const failed = exitCode === EXIT.tasksFailed ? 1 : 0;
    const progress: Progress = {
      runId: this.#runId,
      jobId: this.#spec.jobId,
      attempt: this.#spec.attempt,
      phase,
      at: this.#time(),
      startedAt: this.#startedAt,
      ...defined({ tasksStartedAt: this.#tasksStartedAt, tasksEndedAt: this.#tasksEndedAt }),
      nodes: { expected: this.#spec.numNodes, joined: this.#spec.numNodes, lost: 0 },
      tasks: { total: 2, succeeded: done ? 2 - failed : 0, failed, retried: 0, lost: 0, running: 0 },
      slots: 2,
      nodeHours:
        (this.#spec.numNodes * (this.#settings.clock.now() - Date.parse(this.#startedAt))) / 3_600_000,
      rate: 0,
      ...defined({ exitCode, reason }),
    };
    const keys = runKeys(this.#runId);
    if (phase === 'done' && done) await this.#put(keys.joblog, this.#joblog(failed));
    await this.#put(keys.progress, JSON.stringify(progress));
  }

  #joblog(failed: number): string {
    const startTime = Date.parse(this.#tasksStartedAt ?? this.#startedAt) / 1000;
    return renderJoblog(
      [1, 2].map((seq) => ({
        seq,
        host: '10.0.1.0',
        startTime,
        runtime: 1,
        send: 0,
        receive: 0,
        exitval: seq <= failed ? 1 : 0,
        signal: 0,
        command: `task ${seq}`,
      })),
    );
  }

  async #put(key: string, text: string): Promise<void> {
    const { s3, bucket } = this.#settings;
    await s3.putObject({ Bucket: bucket, Key: key, Body: text });
  }

  #time(): string {
    return new Date(this.#settings.clock.now()).toISOString();
  }
}

const ENDINGS: readonly [ExitCode, RunnerReason][] = [
  [EXIT.succeeded, { kind: 'succeeded' }],
  [EXIT.succeeded, { kind: 'succeeded' }],
  [EXIT.succeeded, { kind: 'succeeded' }],
  [EXIT.tasksFailed, { kind: 'tasks-failed', failed: 1, lost: 0 }],
  [EXIT.tooManyLost, { kind: 'too-many-lost', left: 1, needed: 2, lost: [1] }],
  [EXIT.runTimeLimit, { kind: 'run-time-limit', seconds: 600 }],
  [EXIT.budgetUsed, { kind: 'budget-used', nodeHours: 1, maxNodeHours: 1 }],
];
