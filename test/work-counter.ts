import { Session } from 'node:inspector';

/** Counts what code does in executed blocks of it, which no other process and no collector of garbage changes. */
export class WorkCounter {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Blocks (functions, branches, rounds of loops) that ran during this work. Native functions count as nothing. */
  of(work: () => void): number {
    this.#taken();
    work();
    return this.#taken();
  }

  close(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** Since it was asked last. In one thread the session answers at once. */
  #taken(): number {
    let sum = 0;
    this.#session.post('Profiler.takePreciseCoverage', (error, coverage) => {
      if (error !== null) throw error;
      for (const { functions } of coverage.result)
        for (const { ranges } of functions) for (const { count } of ranges) sum += count;
    });
    return sum;
  }
}
