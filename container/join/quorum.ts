import type { CheckFault, RunnerReason } from '../../experiment/records/progress.ts';
import { plainLine } from '../../experiment/text/terminal-codes.ts';
import type { AttemptPart } from '../attempt/attempt.ts';

/** What judging who is here uses of the attempt. */
type QuorumPart = AttemptPart<'context' | 'ending' | 'plan' | 'roster' | 'config' | 'log'>;

/** After the first fault, others get so long to report theirs: a person wants to read them all at once. */
const FAULTS_TOGETHER_MS = 15_000;

/**
 * Waits until every node is here; at the deadline for `minNodes`. Faults of checks end the attempt once all nodes have
 * spoken. Who cannot read the attempt's folder has not proved who it is: its word ends nothing and is told at an end.
 */
export class Quorum {
  isDone = false;
  readonly #attempt: QuorumPart;
  readonly #done = Promise.withResolvers<void>();
  readonly #faults: CheckFault[] = [];
  readonly #unreadable = new Set<number>();
  readonly #startedAt: number;
  readonly #over = new AbortController();
  #firstFaultAt: number | undefined;

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

  /** Anybody may say so: each index once, and no more of his words than a log line takes. */
  unreadable(index: number, what: string): void {
    const isMissing = this.#attempt.roster.withState('never-came').includes(index);
    if (!isMissing || this.#unreadable.has(index)) return;
    this.#unreadable.add(index);
    this.#attempt.log('Node:CannotReadFolder', { index, what: plainLine(what.slice(0, 400)) });
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
    const isTold = this.#firstFaultAt !== undefined && now - this.#firstFaultAt >= FAULTS_TOGETHER_MS;
    const faults = [...this.#faults, ...this.#unequalCpus()];
    const spoken = new Set(faults.map((fault) => fault.node));
    const cannotRead = missing.filter((index) => this.#unreadable.has(index));
    if (faults.length > 0 && (isLate || isTold || missing.every((index) => spoken.has(index))))
      return { kind: 'bad-environment', faults: [...faults, ...cannotRead.map(differentStorage)] };
    if (missing.length === 0) return 'go';
    if (!isLate) return 'wait';
    const joined = roster.live().length;
    if (joined >= plan.minNodes) return 'go';
    const said = cannotRead.length === 0 ? {} : { cannotRead };
    return { kind: 'too-few-joined', joined, needed: plan.minNodes, missing, ...said };
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

function differentStorage(node: number): CheckFault {
  return {
    node,
    check: 'shared-storage-differs',
    what: 'it said, without a proof of who it is, that what node 0 writes to shared storage cannot be read there',
    todo: 'mount the same file system at the same path on every node, with the same uid',
  };
}
