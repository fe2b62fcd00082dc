import { unlessAborted } from '../../../experiment/util/timers.ts';
import type { Job } from './job.ts';

/** Holds a job back in RUNNABLE: the reason AWS would give, and a promise that resolves when there are instances. */
export type CapacityHook = (job: Job) => { reason: string; until: Promise<void> } | undefined;

interface Queue {
  arn: string;
  maxvCpus: number;
  used: number;
  waiting: { needed: number; start: () => void }[];
}

const MAX_RESOURCE =
  'MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - The job queue is blocked: a job needs more vCPUs than its compute environments may have';

/** The vCPUs of each queue. First come, first served: a job too large at the head blocks those behind it, as on AWS. */
export class Capacity {
  readonly #queues: ReadonlyMap<string, Queue>;
  readonly #hook: CapacityHook | undefined;

  constructor(queues: readonly { arn: string; maxvCpus: number }[], hook?: CapacityHook) {
    this.#queues = new Map(queues.map(({ arn, maxvCpus }) => [arn, { arn, maxvCpus, used: 0, waiting: [] }]));
    this.#hook = hook;
  }

  /** Waits for the job's instances; the function returned gives them back. Rejects when the signal aborts. */
  async acquire(job: Job, signal: AbortSignal): Promise<() => void> {
    const held = this.#hook?.(job);
    if (held !== undefined) {
      job.statusReason = held.reason;
      await unlessAborted(held.until, signal);
      delete job.statusReason;
    }
    const queue = this.#queues.get(job.queue);
    if (queue === undefined) throw new RangeError(`no queue ${job.queue}`);
    const needed = job.request.nodes.reduce((sum, node) => sum + node.vcpus, 0);
    if (needed > queue.maxvCpus) job.statusReason = MAX_RESOURCE;
    const turn = Promise.withResolvers<void>();
    const entry = { needed, start: turn.resolve };
    queue.waiting.push(entry);
    serve(queue);
    try {
      await unlessAborted(turn.promise, signal);
    } catch (error) {
      const at = queue.waiting.indexOf(entry);
      if (at === -1) queue.used -= needed;
      else queue.waiting.splice(at, 1);
      serve(queue);
      throw error;
    }
    return () => {
      queue.used -= needed;
      serve(queue);
    };
  }
}

function serve(queue: Queue): void {
  for (;;) {
    const next = queue.waiting[0];
    if (next === undefined || queue.used + next.needed > queue.maxvCpus) return;
    queue.waiting.shift();
    queue.used += next.needed;
    next.start();
  }
}
