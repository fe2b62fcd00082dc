import type { Clock } from '../../../experiment/util/clock.ts';
import type { EventPattern } from './pattern.ts';
import { compilePattern } from './pattern.ts';

/** An event as EventBridge delivers it. */
export interface BusEvent {
  version: '0';
  id: string;
  'detail-type': string;
  source: string;
  account: string;
  time: string;
  region: string;
  resources: readonly string[];
  detail: Readonly<Record<string, unknown>>;
}

export type Target = (event: BusEvent) => Promise<unknown>;

export interface Rule {
  name: string;
  pattern: EventPattern;
  target: Target;
}

/**
 * What a hostile bus may do to one delivery: an array of delays in milliseconds, one for each copy that arrives. `[0]` is
 * an honest delivery, `[]` loses the event, `[0, 90_000]` delivers it twice.
 */
export type Deliveries = (event: BusEvent, rule: string) => readonly number[];

export interface EventBusSettings {
  clock: Clock;
  deliveries?: Deliveries;
  /** Tries of a target that throws; AWS gives up after 185. */
  maxTries?: number;
  /** Milliseconds before the second try, doubled each time up to a minute. */
  retryAfterMs?: number;
}

/** A delivery that was given up, as it would lie in the rule's dead-letter queue. */
export interface DeadLetter {
  rule: string;
  event: BusEvent;
  error: unknown;
}

/** An event bus with EventBridge's promise: at least once, in no order, retried, and a dead letter in the end. */
export class EventBus {
  readonly deadLetters: DeadLetter[] = [];
  readonly #settings: Required<EventBusSettings>;
  readonly #rules: { name: string; matches: (event: BusEvent) => boolean; target: Target }[] = [];
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  constructor(settings: EventBusSettings) {
    this.#settings = { deliveries: () => [0], maxTries: 8, retryAfterMs: 1000, ...settings };
  }

  /** @throws UnknownPattern when the pattern uses a matcher that is not implemented here */
  addRule(rule: Rule): void {
    this.#rules.push({ name: rule.name, matches: compilePattern(rule.pattern), target: rule.target });
  }

  /** Calls the target at a fixed rate until the bus is closed; a call that throws does not stop the schedule. */
  addSchedule(name: string, everyMs: number, makeEvent: () => BusEvent, target: Target): void {
    this.#track(this.#runSchedule(name, everyMs, makeEvent, target));
  }

  /** Hands the event over; delivery happens later. */
  putEvent(event: BusEvent): void {
    for (const rule of this.#rules) {
      if (!rule.matches(event)) continue;
      for (const delay of this.#settings.deliveries(event, rule.name))
        this.#track(this.#deliver(rule, event, delay));
    }
  }

  /** Stops schedules and retries and waits for the targets that run. */
  async close(): Promise<void> {
    this.#closing.abort();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  async #deliver(rule: { name: string; target: Target }, event: BusEvent, delayMs: number): Promise<void> {
    if (!(await this.#sleep(delayMs))) return;
    let wait = this.#settings.retryAfterMs;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await rule.target(structuredClone(event));
        return;
      } catch (error) {
        if (attempt === this.#settings.maxTries) {
          this.deadLetters.push({ rule: rule.name, event, error });
          return;
        }
      }
      if (!(await this.#sleep(wait))) return;
      wait = Math.min(wait * 2, 60_000);
    }
  }

  async #runSchedule(
    name: string,
    everyMs: number,
    makeEvent: () => BusEvent,
    target: Target,
  ): Promise<void> {
    while (await this.#sleep(everyMs)) {
      const event = makeEvent();
      try {
        await target(event);
      } catch (error) {
        this.deadLetters.push({ rule: name, event, error });
      }
    }
  }

  /** @returns false when the bus was closed meanwhile */
  async #sleep(ms: number): Promise<boolean> {
    try {
      await this.#settings.clock.sleep(ms, this.#closing.signal);
      return true;
    } catch {
      return false; // The only reason to reject is the close.
    }
  }

  #track(work: Promise<void>): void {
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }
}
