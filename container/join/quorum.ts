import type { CheckFault, RunnerReason } from '../../experiment/records/progress.ts';
import type { AttemptPart } from '../attempt/attempt.ts';

/** What judging who is here uses of the attempt. */
type QuorumPart = AttemptPart<'context' | 'ending' | 'plan' | 'roster' | 'config' | 'log'>;

/** After the first fault, others get so long to report theirs: a person wants to read them all at once. */
const FAULTS_TOGETHER_MS = 15_000;
/** An NFS client that has once found nothing there remembers it for 30 s. */
const UNREADABLE_MS = 35_000;

/**
 * Waits until every node is here; at the deadline for `minNodes`. Faults of checks end the attempt once all nodes have
 * spoken. A node that cannot read the attempt's folder has not proved who it is: that counts only while it is missing.
 */
export class Quorum {
  isDone = false;
  readonly #attempt: QuorumPart;
  readonly #done = Promise.withResolvers<void>();
  readonly #faults: CheckFault[] = [];
  readonly #unreadable = new Map<number, string>();
  readonly #startedAt: number;
  readonly #over = new AbortController();
  #firstFaultAt: number | undefined;
  #firstUnreadableAt: number | undefined;

  constructor(attempt: QuorumPart) {
    const { context, ending, plan } = attempt;
    this.#attempt = attempt;
    this.#startedAt = context.clock.now();
    ending.signal.addEventListener('abort', () => this.#finish());
    void this.#lookAgainAfter(plan.timeouts.joinSeconds * 1000);
  }

  done(): Promise<void> {
    return this.#done.promise;
  }

  /** Told again by a node that connected again, a fault is the same one. */
  faulty(faults: readonly CheckFault[]): void {
    const isKnown = ({ node, check, what }: CheckFault) =>
      this.#faults.some((known) => known.node === node && known.check === check && known.what === what);
    this.#faults.push(...faults.filter((fault) => !isKnown(fault)));
    this.#noteFault();
  }

  unreadable(index: number, what: string): void {
    if (this.#unreadable.get(index) !== what) this.#attempt.log('Node:CannotReadFolder', { index, what });
    this.#unreadable.set(index, what);
    if (this.#firstUnreadableAt !== undefined) return;
    this.#firstUnreadableAt = this.#attempt.context.clock.now();
    void this.#lookAgainAfter(UNREADABLE_MS);
  }

  /** Somebody came or went, or a time is over. */
  look(): void {
    if (this.isDone) return;
    const verdict = this.#judge();
    if (verdict === 'go') this.#finish();
    else if (verdict !== 'wait') this.#attempt.ending.because(verdict);
  }

  #judge(): 'wait' | 'go' | RunnerReason {
    const { roster, plan, context } = this.#attempt;
    const now = context.clock.now();
    const missing = roster.withState('never-came');
    const isLate = now - this.#startedAt >= plan.timeouts.joinSeconds * 1000;
    const isOver = (since: number | undefined, ms: number) => since !== undefined && now - since >= ms;
    const isTold =
      isOver(this.#firstFaultAt, FAULTS_TOGETHER_MS) || isOver(this.#firstUnreadableAt, UNREADABLE_MS);
    const faults = [...this.#faults, ...this.#unequalCpus()];
    const spoken = new Set(faults.map((fault) => fault.node));
    // Who could not read the folder may still come: it counts once there is no more waiting.
    if (isLate || isTold) faults.push(...this.#cannotRead(missing));
    if (faults.length > 0 && (isLate || isTold || missing.every((index) => spoken.has(index))))
      return { kind: 'bad-environment', faults };
    if (missing.length === 0) return 'go';
    if (!isLate) return 'wait';
    const joined = roster.live().length;
    if (joined >= plan.minNodes) return 'go';
    return { kind: 'too-few-joined', joined, needed: plan.minNodes, missing };
  }

  #finish(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.#over.abort();
    this.#done.resolve();
  }

  #noteFault(): void {
    if (this.#firstFaultAt === undefined) {
      this.#firstFaultAt = this.#attempt.context.clock.now();
      void this.#lookAgainAfter(FAULTS_TOGETHER_MS);
    }
    this.look();
  }

  async #lookAgainAfter(ms: number): Promise<void> {
    try {
      await this.#attempt.context.clock.sleep(ms + 1, this.#over.signal);
    } catch {
      return; // everybody came meanwhile
    }
    this.look();
  }

  #cannotRead(missing: readonly number[]): CheckFault[] {
    return [...this.#unreadable]
      .filter(([index]) => missing.includes(index))
      .map(([node, what]) => ({
        node,
        check: 'shared-storage-differs',
        what: `it cannot read what node 0 wrote to shared storage: ${what}`,
        todo: 'mount the same file system at the same path on every node, with the same uid',
      }));
  }

  /** SIERRA requires the same number of CPUs on all nodes; other runs only lose speed. */
  #unequalCpus(): CheckFault[] {
    const { plan, roster, config } = this.#attempt;
    const records = roster.records();
    const own = records[config.mainIndex]?.cpus;
    if (plan.work.kind !== 'sierra' || own === undefined) return [];
    return records
      .filter(({ cpus, state }) => state === 'joined' && cpus !== own)
      .map(({ index, cpus }) => ({
        node: index,
        check: 'cpu-counts-differ',
        what: `it has ${cpus} CPUs, and node 0 has ${own}`,
        todo: 'use one instance type in the job definition: SIERRA needs equal nodes',
      }));
  }
}
