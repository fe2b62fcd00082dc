import type { SeededRandom } from '../seeded-random.ts';

/** What the simulated cloud may do to the control plane. */
const FAULT_KINDS = [
  'event-lost',
  'event-doubled',
  'event-late',
  'execution-event-lost',
  'call-throttled',
  'call-failed',
  'call-slow',
  'answer-lost',
  'sdk-retried',
  'write-conflict',
  'function-killed',
  'node-0-lost',
  'node-0-silent',
  'container-not-started',
  'no-capacity',
  'jobs-listed-late',
  'jobs-forgotten',
  'execution-failed-outside',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * Faults in two steps: the seed switches each kind on or off for a whole run and gives it a rate, and while on it fires at
 * that rate. Runs with few kinds and long quiet stretches find what even noise hides. `heal` ends all of them: what does not
 * come to its end then hangs for ever.
 */
export class Faults {
  readonly fired = new Map<FaultKind, number>();
  readonly #random: SeededRandom;
  readonly #rates = new Map<FaultKind, number>();
  #healed = false;

  constructor(random: SeededRandom, only?: readonly FaultKind[]) {
    this.#random = random;
    for (const kind of FAULT_KINDS) {
      const isOn = random.chance(0.3);
      const rate = random.pick([0.02, 0.08, 0.3]);
      if (only === undefined ? isOn : only.includes(kind)) this.#rates.set(kind, rate);
    }
  }

  /** Whether this fault happens here and now. */
  strikes(kind: FaultKind): boolean {
    const rate = this.#rates.get(kind);
    if (rate === undefined || this.#healed || !this.#random.chance(rate)) return false;
    this.note(kind);
    return true;
  }

  /** Whether the kind is on at all, for what lasts a whole run. */
  isOn(kind: FaultKind): boolean {
    return this.#rates.has(kind);
  }

  note(kind: FaultKind): void {
    this.fired.set(kind, (this.fired.get(kind) ?? 0) + 1);
  }

  heal(): void {
    this.#healed = true;
  }

  describe(): string {
    return [...this.#rates].map(([kind, rate]) => `${kind}@${rate}`).join(' ') || 'none';
  }
}
