/** Being told to end from outside: the first signal counts, and everything that follows has a deadline. */
export class Termination {
  readonly #controller = new AbortController();
  /** For instance `SIGTERM`; undefined as long as nobody asked. */
  name: string | undefined;
  /** Milliseconds since the epoch. */
  at = 0;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  ask(name: string, now: number): void {
    if (this.name !== undefined) return;
    this.name = name;
    this.at = now;
    this.#controller.abort(new Error(name));
  }
}

/** AWS Batch kills 30 s after SIGTERM, and we promise 25. */
export const TERMINATION = {
  /** Tasks get so long between TERM and KILL. */
  graceMs: 5000,
  /** What was sent by then is what is sent. */
  sentMs: 20_000,
  /** The process ends here whatever hangs. */
  hardMs: 24_000,
} as const;
