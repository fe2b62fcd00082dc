import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GrantedLeases, HeldLease, LEASE } from '../../../container/join/lease.ts';

const LOOK_MS = 500;

/** What the world does to one pulse and to its echo: a delay each, or nothing arrives. */
const journeys = fc.array(
  fc.record({
    there: fc.option(fc.integer({ min: 0, max: 40_000 }), { nil: undefined }),
    back: fc.option(fc.integer({ min: 0, max: 40_000 }), { nil: undefined }),
  }),
  { minLength: 5, maxLength: 40 },
);

type Journeys = readonly { there: number | undefined; back: number | undefined }[];

/** One worker and node 0 over a bad line, in virtual time. The worker's clock differs by a constant. */
class Line {
  lostAt: number | undefined;
  ranAt = 0;
  readonly #worker: HeldLease;
  readonly #main = new GrantedLeases(0);
  readonly #skew: number;
  readonly #events: { at: number; act: () => void }[] = [];

  constructor(journeys: Journeys, skew: number) {
    this.#skew = skew;
    this.#worker = new HeldLease('lease', skew);
    this.#main.renewed(1, 0);
    journeys.forEach(({ there, back }, step) => {
      if (there !== undefined) this.#pulse(step * LEASE.pulseMs, there, back);
    });
  }

  step(now: number): void {
    this.#deliver(now);
    if (this.#worker.judge(now + this.#skew) === 'run') this.ranAt = now;
    if (now % 1000 === 0 && this.lostAt === undefined && this.#main.judge(now).lost.includes(1))
      this.lostAt = now;
  }

  #pulse(sent: number, there: number, back: number | undefined): void {
    const at = sent + there;
    const echo = () => this.#worker.renew('lease', sent + this.#skew);
    const arrive = () => {
      if (this.lostAt !== undefined) return;
      this.#main.renewed(1, at);
      if (back !== undefined) this.#events.push({ at: at + back, act: echo });
    };
    this.#events.push({ at, act: arrive });
  }

  #deliver(now: number): void {
    for (;;) {
      this.#events.sort((a, b) => a.at - b.at);
      const next = this.#events[0];
      if (next === undefined || next.at > now) return;
      this.#events.shift();
      next.act();
    }
  }
}

describe('leases', () => {
  it('never let node 0 give tasks away while the worker still runs them', () => {
    fc.assert(
      fc.property(journeys, fc.integer({ min: -1_000_000, max: 1_000_000 }), (plan, skew) => {
        const line = new Line(plan, skew);
        for (let now = 0; now < 150_000; now += LOOK_MS) {
          line.step(now);
          // The worker has not run anything in its last looks, and never does again.
          if (line.lostAt !== undefined) expect(line.ranAt).toBeLessThan(line.lostAt - 2 * LOOK_MS);
        }
        expect(line.lostAt).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });

  it('are not renewed by an old echo, nor by a beat of another lease', () => {
    const lease = new HeldLease('mine', 0);
    lease.renew('mine', 5000);
    lease.renew('mine', 1000);
    lease.renew('other', 20_000);
    expect(lease.judge(5000 + LEASE.freezeMs - 1)).toBe('run');
    expect(lease.judge(5000 + LEASE.freezeMs)).toBe('freeze');
    expect(lease.judge(5000 + LEASE.endMs)).toBe('end');
  });

  it('are all renewed by a node 0 that finds its own look late, which loses nobody', () => {
    const main = new GrantedLeases(0);
    main.renewed(1, 0);
    main.renewed(2, 0);
    expect(main.judge(1000)).toEqual({ lost: [], late: false });
    expect(main.judge(61_000)).toEqual({ lost: [], late: true });
    for (let now = 62_000; now < 61_000 + LEASE.lostMs; now += 1000) expect(main.judge(now).lost).toEqual([]);
    expect(main.judge(61_000 + LEASE.lostMs).lost).toEqual([1, 2]);
  });

  it('keep what the design promises: tasks stop within 10 s, others get them within 15 s', () => {
    expect(LEASE.freezeMs + LOOK_MS).toBeLessThanOrEqual(10_000);
    expect(LEASE.lostMs + 1000).toBeLessThanOrEqual(15_000);
    expect(LEASE.endMs).toBe(30_000);
  });
});
