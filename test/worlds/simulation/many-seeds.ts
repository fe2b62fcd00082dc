import { FAULT_KINDS } from './faults/faults.ts';
import type { SeedOptions, SeedResult } from './run-seed.ts';
import { runSeed } from './run-seed.ts';

/** What many seeds came to together. */
export interface SeedsResult {
  failed: SeedResult | undefined;
  /** How often each thing happened over all seeds. */
  happened: ReadonlyMap<string, number>;
  seeds: number;
  virtualHours: number;
  calls: number;
}

/**
 * What must happen sometimes: every fault, every step of settle, every way to end, a fence lost. A simulation in which one
 * of them never happens has stopped testing it, quietly.
 */
const SOMETIMES: readonly string[] = [
  ...FAULT_KINDS.map((kind) => `fault ${kind}`),
  ...[
    'start-execution',
    'submit',
    'look-up',
    'follow',
    'forget-submission',
    'mark-end',
    'give-ownership',
    'terminate',
    'complete-token',
    'collect',
    'tell',
    'close',
  ].map((step) => `Run:Step:${step}`),
  ...['succeeded', 'failed', 'cancelled', 'timed-out'].map((outcome) => `outcome ${outcome}`),
  ...['SUCCEEDED', 'FAILED', 'ABORTED'].map((status) => `execution ${status}`),
  // A nearer limit always ends a run before its deadline here: test/functions/settle/ has that one.
  ...['queue-limit', 'silent', 'budget', 'submit-refused', 'person', 'execution-failed'].map(
    (because) => `stop ${because}`,
  ),
  ...['submitted', 'queued', 'starting', 'joining', 'running', 'collecting', 'stuck', 'rejected'].map(
    (state) => `told ${state}`,
  ),
  'told twice',
  'Token:Dead',
  'Job:SubmissionUnknown',
  'Job:SubmissionThrottled',
  'Job:Refused',
  'Manifest:Rejected',
  'Manifest:Overlooked',
  'duplicate job',
  'fenced',
];

/** Runs seeds one after the other until one fails. */
export async function runSeeds(
  seeds: Iterable<number>,
  options: SeedOptions = {},
  onSeed: (result: SeedResult) => void = () => undefined,
): Promise<SeedsResult> {
  const happened = new Map<string, number>();
  const total = { seeds: 0, virtualHours: 0, calls: 0 };
  for (const seed of seeds) {
    const result = await runSeed(seed, options);
    onSeed(result);
    total.seeds += 1;
    total.virtualHours += result.virtualHours;
    total.calls += result.calls;
    for (const [what, times] of result.happened) happened.set(what, (happened.get(what) ?? 0) + times);
    if (result.violations.length > 0) return { ...total, happened, failed: result };
  }
  return { ...total, happened, failed: undefined };
}

/** Of what must happen sometimes, what never did. */
export function neverHappened(happened: ReadonlyMap<string, number>): readonly string[] {
  return SOMETIMES.filter((what) => !happened.has(what));
}

export function* seedsFrom(first: number, count: number): Generator<number> {
  for (let seed = first; seed < first + count; seed += 1) yield seed;
}
