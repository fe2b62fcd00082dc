import * as z from 'zod';
import { EXIT } from './exit-code.ts';
import { amount, count, orAbsent, parseRecord, text, time, word } from './fields.ts';
import { notSent } from './outputs.ts';

/** The runner's reason may name what is wrong with each of 1,000 nodes. */
export const MAX_PROGRESS_BYTES = 4 * 1024 * 1024;
/** Most of SIERRA's experiments that a record tells of; all are in the log. */
export const MAX_INCOMPLETE = 1000;
const MAX_FAULTS = 10_000;
const MAX_NODES = 1000;
export const MAX_OPEN = 10_000;
export const MAX_EARLIER = 10;

const phase = z.enum(['checking', 'joining', 'running', 'collecting', 'done']);

/** Where the runner on node 0 is. `done` is written once, with the exit code, just before it exits. */
export type RunnerPhase = z.infer<typeof phase>;

export const taskCounts = z.object({
  total: count,
  succeeded: count,
  failed: count,
  /** Tasks of which this run has more than one row; null where nobody can tell (`stock` has the last try only). */
  retried: count.nullable(),
  /** Started on a node that was lost and never finished anywhere. As the next two, absent where starts are not known. */
  lost: orAbsent(count),
  /** Under way when the run was ended. */
  cutOff: orAbsent(count),
  notStarted: orAbsent(count),
});

export type TaskCounts = z.infer<typeof taskCounts>;

const resultCounts = z.object({ read: count, missing: count, unreadable: count });

/** How many tasks' results were read, and of how many there is none, or nothing that can be read. */
export type ResultCounts = z.infer<typeof resultCounts>;

const openTry = z.object({
  seq: count,
  node: count,
  startedAt: time,
  /** When its node was lost, or what runs was ended. */
  endedAt: time,
  end: z.enum(['lost', 'cut-off']),
});

/** A try that was started and has no row in the joblog: with those it is all that a run did. */
export type OpenTry = z.infer<typeof openTry>;

const lostNode = z.object({ node: count, at: time, because: text });

/** A node that was given up, when, and why. */
export type LostNode = z.infer<typeof lostNode>;

export const lostNodes = z.array(lostNode).max(MAX_NODES).readonly();

const earlierAttempt = z.object({
  attempt: count,
  startedAt: time,
  tasksEndedAt: orAbsent(time),
  lost: lostNodes,
  /** Tasks that it had started and that had not ended with it; absent where starts are not known. */
  underWay: orAbsent(count),
});

const experimentRuns = z.object({
  /** For instance `c1-exp0`. */
  experiment: z.string().regex(/^c\d{1,9}-exp\d{1,9}(\+c\d{1,9}-exp\d{1,9}){0,9}$/),
  whole: count,
  runs: count,
});

/** How many runs of one SIERRA experiment are whole: its statistics are of these alone. */
export type ExperimentRuns = z.infer<typeof experimentRuns>;

/** SIERRA's experiments that miss runs; absent where there is none. */
export const incompleteRuns = orAbsent(z.array(experimentRuns).max(MAX_INCOMPLETE).readonly());

const checkFault = z.object({
  node: count,
  /** For instance `shared-storage-not-mounted`, `no-sshd`, `cpu-counts-differ`. */
  check: word,
  what: text,
  todo: text,
});

/** One thing wrong with a node before any task ran, with what to do about it. */
export type CheckFault = z.infer<typeof checkFault>;

const nodeIndexes = z.array(count).max(MAX_NODES).readonly();

const reason = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('succeeded') }),
  z.object({
    /** All tasks succeeded, and what the manifest names under `outputs` is not all in the bucket. */
    kind: z.literal('outputs-lacking'),
    missing: z.array(z.string().max(4096)).readonly(),
    unsent: count,
    /** The first of those that could not be sent. */
    notSent: z.array(notSent).readonly(),
  }),
  z.object({ kind: z.literal('tasks-failed'), failed: count, lost: count }),
  z.object({
    /** Some SIERRA experiment has too few whole runs ({@link Progress.incomplete}): this stage was not started. */
    kind: z.literal('too-few-runs'),
    stage: count,
    minRuns: count,
    /** Failed commands that name no run, so that nobody can tell what they have written. */
    unnamed: count,
  }),
  z.object({ kind: z.literal('bad-environment'), faults: z.array(checkFault).max(MAX_FAULTS).readonly() }),
  z.object({ kind: z.literal('bad-plan'), what: text }),
  z.object({
    kind: z.literal('too-few-joined'),
    joined: count,
    needed: count,
    missing: nodeIndexes,
    /** Those of the missing that said so; nobody knows that it was they. */
    cannotRead: nodeIndexes.exactOptional(),
  }),
  z.object({
    kind: z.literal('too-many-lost'),
    left: count,
    needed: count,
    lost: nodeIndexes,
    /** Where nodes are there that take no tasks: why. */
    why: text.exactOptional(),
  }),
  z.object({
    /** `stopAfter`, or that all failed alike. */
    kind: z.literal('failures-stopped'),
    /** Since tasks began. */
    seconds: amount,
    isAsked: z.boolean(),
    /** How the last one failed. */
    signature: text,
  }),
  /** The folder that tasks start in was gone after that task; 0 where it is not known after which. */
  z.object({ kind: z.literal('folder-removed'), seq: count, path: text }),
  z.object({
    kind: z.literal('sierra-failed'),
    stage: count,
    exitCode: z.int(),
    /** The end of what SIERRA wrote. */
    tail: text,
    /** Where it went wrong, as far as SIERRA's own words tell: `c1-exp0` and the run in it. */
    experiment: word.exactOptional(),
    run: count.exactOptional(),
    /** Its batch root on shared storage. */
    files: text.exactOptional(),
    /** `timeouts.process`, where that ended it. */
    limitSeconds: amount.exactOptional(),
  }),
  z.object({
    /** `run.finally` */
    kind: z.literal('finally-failed'),
    exitCode: z.int(),
    /** The end of what it wrote. */
    tail: text,
    /** Tasks that had failed before. */
    failed: count,
    /** `timeouts.finally`, where that ended it. */
    limitSeconds: amount.exactOptional(),
  }),
  z.object({ kind: z.literal('not-owner'), owner: word }),
  z.object({ kind: z.literal('budget-used'), nodeHours: amount, maxNodeHours: amount }),
  z.object({ kind: z.literal('run-time-limit'), seconds: amount }),
  z.object({ kind: z.literal('terminated'), signal: word }),
  z.object({ kind: z.literal('storage-failed'), what: text, path: text }),
  z.object({ kind: z.literal('internal'), what: text }),
]);

/** Why the runner ended as it did; diagnosis turns it into sentences. */
export type RunnerReason = z.infer<typeof reason>;

const failingNow = z.object({
  signature: text,
  count,
  /** The number of the first task. */
  example: count,
  /** What it said. */
  line: text,
});

/** Tasks that failed alike while the run goes on. */
export type FailingNow = z.infer<typeof failingNow>;

export const progressRecord = z.object({
  runId: word,
  jobId: word,
  attempt: count,
  phase,
  at: time,
  startedAt: orAbsent(time),
  joinedAt: orAbsent(time),
  tasksStartedAt: orAbsent(time),
  tasksEndedAt: orAbsent(time),
  /** The outputs began to be sent: with SIERRA its last stages come between. */
  collectingAt: orAbsent(time),
  nodes: z.object({ expected: count, joined: count, lost: count }),
  /** In this attempt. */
  lostNodes: orAbsent(lostNodes),
  tasks: taskCounts.extend({ running: count }),
  /** In the last word, of the first 10,000. */
  open: orAbsent(z.array(openTry).max(MAX_OPEN).readonly()),
  /** This run's attempts before this one, oldest first, as far as they told of themselves. */
  earlier: orAbsent(z.array(earlierAttempt).max(MAX_EARLIER).readonly()),
  /** Slots there are now. */
  slots: count,
  /** Sum of the instance time of all nodes so far, in hours. */
  nodeHours: amount,
  /** Tasks a second over the last ten seconds; only shown. */
  rate: amount.catch(0),
  /** Seconds until the last task ends, from the work that is left; absent where no number can be said. */
  secondsLeft: orAbsent(amount),
  /** How long the oldest task under way has been running, in seconds. */
  longestSeconds: orAbsent(amount),
  /** A limit that ends the run before its tasks would have ended. */
  nearest: orAbsent(z.object({ seconds: amount, of: z.enum(['the budget', 'timeouts.run']) })),
  /** SIERRA's stage under way. */
  stage: orAbsent(count),
  /** The largest groups of failed tasks so far. */
  failures: orAbsent(z.array(failingNow).max(100).readonly()),
  /** Tasks that left processes running when they ended: these are ended with the run. */
  leftBehind: orAbsent(count),
  /** Tasks that were killed for want of memory and tried once more, alone on a node. */
  triedAlone: orAbsent(count),
  /** Known before stage 3: what is made of these is of their whole runs alone. */
  incomplete: incompleteRuns,
  /** Of tasks that succeeded: what `results` names was read, is not there, or does not parse. */
  results: orAbsent(resultCounts),
  exitCode: orAbsent(z.literal(Object.values(EXIT))),
  reason: orAbsent(reason),
});

/**
 * `runs/<run-id>/progress.json`, written by node 0 only. It is what settle learns the run's inner state from.
 * Times are ISO 8601 in UTC.
 */
export type Progress = z.infer<typeof progressRecord>;

export function parseProgress(stored: string | undefined): Progress | undefined {
  return parseRecord(progressRecord, stored);
}
