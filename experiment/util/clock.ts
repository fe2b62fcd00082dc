/** Time as the system sees it. Handed in everywhere, so that the same code runs in real and in virtual time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A source of unguessable text (nonces). Handed in, so that a simulation can be replayed from its seed. */
export type MakeNonce = () => string;
