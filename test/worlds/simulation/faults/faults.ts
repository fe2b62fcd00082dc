import { SeededRandom } from '../../../../local/clock/seeded-random.ts';

/** What the simulated cloud may do to the control plane. */
export const FAULT_KINDS = [
  'manifest-event-lost',
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
  'submit-refused',
  'submission-late',
  'function-killed',
  'function-doubled',
  'effect-after-death',
  'node-0-lost',
  'node-0-silent',
  'container-not-started',
  'no-capacity',
  'jobs-listed-late',
  'jobs-forgotten',
  'token-replaced',
  'task-timed-out',
  'execution-failed-outside',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** One fault that happened: its kind, and the how-manieth occasion for that kind it was. */
export type Strike = `${FaultKind}#${number}`;

/** Faults that make a function's own work fail or repeat: while they last, no time limit of ours can be kept. */
const OF_FUNCTIONS: readonly FaultKind[] = [
  'call-throttled',
  'call-failed',
  'call-slow',
  'answer-lost',
  'write-conflict',
  'function-killed',
];

/** Met by every call of every function: at the others' rates no function would ever come to its end. */
const OF_EVERY_CALL: ReadonlySet<FaultKind> = new Set([
  'call-throttled',
  'call-failed',
  'call-slow',
  'answer-lost',
  'function-killed',
  'sdk-retried',
]);

/** Met once or twice in a run: at the others' rates they would hardly ever strike. */
const OF_FEW_OCCASIONS: ReadonlySet<FaultKind> = new Set([
  'manifest-event-lost',
  'submit-refused',
  'submission-late',
  'node-0-lost',
  'node-0-silent',
  'container-not-started',
  'no-capacity',
]);

/** What it takes for two jobs of one run to come as far as the fence; by chance alone they meet once in thousands of seeds. */
const OF_SUBMISSIONS: ReadonlySet<FaultKind> = new Set(['submission-late', 'jobs-listed-late', 'event-lost']);

interface Source {
  random: SeededRandom;
  /** Of the last strike: how much of it. Its own, so that a strike that is left out changes no later one. */
  amounts: SeededRandom;
  /** undefined: switched off for this seed. */
  rate: number | undefined;
  occasions: number;
}

/**
 * Faults in two steps: the seed switches each kind on or off for a whole run and gives it a rate, and while on it fires at
 * that rate. Runs with few kinds and long quiet stretches find what even noise hides. `heal` ends all of them: what does not
 * come to its end then hangs for ever. Every kind has a source of chance of its own, so that a run with fewer faults meets
 * the remaining ones at the same occasions: that is how a failure is made smaller.
 */
export class Faults {
  readonly strikesSoFar: Strike[] = [];
  readonly #sources = new Map<FaultKind, Source>();
  readonly #seed: number;
  readonly #keep: ReadonlySet<Strike> | undefined;
  #healed = false;

  /** @param keep only these happen, of all that the seed holds */
  constructor(seed: number, keep?: ReadonlySet<Strike>) {
    this.#seed = seed;
    this.#keep = keep;
    const isCalm = SeededRandom.of(seed, 'calm').chance(0.04);
    const losesSubmissions = SeededRandom.of(seed, 'submissions').chance(0.1);
    for (const kind of FAULT_KINDS) {
      const random = SeededRandom.of(seed, kind);
      const isOften = losesSubmissions && OF_SUBMISSIONS.has(kind);
      const isOn = (random.chance(0.3) || isOften) && !isCalm;
      const rate = (isOften ? 0.5 : random.pick([0.02, 0.08, 0.3])) * occasionsOf(kind);
      this.#sources.set(kind, { random, amounts: random, rate: isOn ? rate : undefined, occasions: 0 });
    }
  }

  /** Whether this fault happens here and now. */
  strikes(kind: FaultKind): boolean {
    const source = this.#source(kind);
    source.occasions += 1;
    return source.rate !== undefined && source.random.chance(source.rate) && this.#note(kind, source);
  }

  /** For what a whole run has or has not. */
  lasts(kind: FaultKind): boolean {
    const source = this.#source(kind);
    source.occasions += 1;
    return source.rate !== undefined && this.#note(kind, source);
  }

  /** How much of the fault that has just struck: a whole number. */
  between(kind: FaultKind, min: number, max: number): number {
    return this.#source(kind).amounts.between(min, max);
  }

  /** Whether this kind has struck so far. */
  hasStruck(kind: FaultKind): boolean {
    return this.strikesSoFar.some((strike) => strike.startsWith(`${kind}#`));
  }

  /** Whether functions could fail by themselves. */
  hurtsFunctions(): boolean {
    return OF_FUNCTIONS.some((kind) => this.#source(kind).rate !== undefined);
  }

  heal(): void {
    this.#healed = true;
  }

  describe(): string {
    const on = [...this.#sources].filter(([, { rate }]) => rate !== undefined);
    return on.map(([kind, { rate }]) => `${kind}@${rate}`).join(' ') || 'none';
  }

  #source(kind: FaultKind): Source {
    const source = this.#sources.get(kind);
    if (source === undefined) throw new RangeError(`no such fault: ${kind}`);
    return source;
  }

  #note(kind: FaultKind, source: Source): boolean {
    const strike: Strike = `${kind}#${source.occasions}`;
    if (this.#healed || (this.#keep !== undefined && !this.#keep.has(strike))) return false;
    this.strikesSoFar.push(strike);
    source.amounts = SeededRandom.of(this.#seed, strike);
    return true;
  }
}

function occasionsOf(kind: FaultKind): number {
  if (OF_EVERY_CALL.has(kind)) return 0.2;
  return OF_FEW_OCCASIONS.has(kind) ? 2 : 1;
}
