/** Being told to end from outside: the first signal counts, and everything that follows has a deadline. */
export class Termination {
  readonly #controller = new AbortController();
  readonly #stopMs: number;
  /** For instance `SIGTERM`; undefined as long as nobody asked. */
  name: string | undefined;
  /** Milliseconds since the epoch. */
  at = 0;

  /** @param stopSeconds between SIGTERM and SIGKILL: what ECS's agent on the host is set to, 30 where it is not */
  constructor(stopSeconds = 30) {
    this.#stopMs = stopSeconds * 1000;
  }

  /** What was sent by then is what is sent. Milliseconds since the epoch. */
  get sentBy(): number {
    return this.at + this.#stopMs - 10_000;
  }

  /** The process ends so long after the signal, whatever hangs: before it is killed. */
  get hardMs(): number {
    return this.#stopMs - 6000;
  }

  /** Milliseconds between TERM and KILL for tasks: once the node itself is told to end, at most a sixth of what it has. */
  graceMs(seconds = GRACE_SECONDS): number {
    return Math.min(seconds * 1000, this.signal.aborted ? this.#stopMs / 6 : Number.POSITIVE_INFINITY);
  }

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

/** Tasks get so long between TERM and KILL where the manifest says nothing. */
const GRACE_SECONDS = 5;
