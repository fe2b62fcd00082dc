/**
 * Leases: how no task ever runs on two nodes at once although node 0 cannot tell a dead node from a silent one.
 *
 * A worker sends its own time every two seconds; node 0 echoes the newest one it read. A worker's lease runs from the
 * *worker's* time in the newest echo, so an echo that lay in a cut line for a minute renews nothing. Node 0 counts from
 * the moment it sent that echo, which is later: when node 0 takes a lease for over, the worker has stopped its tasks.
 * All times in milliseconds of a clock that never jumps; only durations are compared across nodes.
 */
export const LEASE = {
  pulseMs: 2000,
  /** A worker stops its tasks after so much silence. */
  freezeMs: 9000,
  /** Node 0 gives a worker's tasks to others after so much silence: the lease, and four seconds for the worker to act. */
  lostMs: 13_000,
  /** A worker ends after so much silence. */
  endMs: 30_000,
  /** Node 0 judges once a second; found so late, it was frozen itself and first has to hear what was sent meanwhile. */
  lateMs: 3000,
} as const;

export type LeaseVerdict = 'run' | 'freeze' | 'end';

/** A worker's side. */
export class HeldLease {
  readonly id: string;
  #echo: number;

  /** @param since when the worker sent what node 0 answered with this lease */
  constructor(id: string, since: number) {
    this.id = id;
    this.#echo = since;
  }

  /** A beat: counts only for this lease, and only if newer than the last. */
  renew(lease: string, echo: number): void {
    if (lease === this.id && echo > this.#echo) this.#echo = echo;
  }

  judge(now: number): LeaseVerdict {
    const silence = now - this.#echo;
    if (silence >= LEASE.endMs) return 'end';
    return silence >= LEASE.freezeMs ? 'freeze' : 'run';
  }
}

/** Node 0's side: who must have stopped. */
export class GrantedLeases {
  readonly #echoed = new Map<number, number>();
  #lastLook: number;

  constructor(now: number) {
    this.#lastLook = now;
  }

  /** Node 0 sends an echo to this worker now. */
  renewed(index: number, now: number): void {
    this.#echoed.set(index, now);
  }

  /** The worker is out, or said itself that it ends. */
  dropped(index: number): void {
    this.#echoed.delete(index);
  }

  /** Those whose lease must have run out. To be called every second. */
  judge(now: number): { lost: number[]; late: boolean } {
    const late = now - this.#lastLook > LEASE.lateMs;
    this.#lastLook = now;
    if (late) {
      for (const index of this.#echoed.keys()) this.#echoed.set(index, now);
      return { lost: [], late };
    }
    const lost = [...this.#echoed].filter(([, at]) => now - at >= LEASE.lostMs).map(([index]) => index);
    return { lost, late };
  }
}
