import type { Clock } from '../../../../experiment/util/clock.ts';

/** What happened, a line each: the same seed gives the same lines, byte by byte. */
export class Trace {
  readonly lines: string[] = [];
  readonly #clock: Clock;
  readonly #startMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.now();
  }

  add(what: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const seconds = ((this.#clock.now() - this.#startMs) / 1000).toFixed(3).padStart(10);
    const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${shown(value)}`);
    this.lines.push(`${seconds} ${what}${rest.join('')}`);
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
}
