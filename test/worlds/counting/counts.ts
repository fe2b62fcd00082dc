import type { SentCommand } from '../simulation/faults/hostile-calls.ts';
import { commandName } from '../simulation/faults/hostile-calls.ts';

/** How often each thing happened that AWS bills or limits. */
export class Counts {
  readonly #counts = new Map<string, number>();

  add(what: string, by = 1): void {
    this.#counts.set(what, this.of(what) + by);
  }

  /** A request, by who makes it and what it asks for. */
  called(who: string, command: SentCommand): void {
    this.add(`${who} ${commandName(command)}`);
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** Of all things whose names match. */
  sum(pattern: RegExp): number {
    return this.all().reduce((sum, [what, count]) => (pattern.test(what) ? sum + count : sum), 0);
  }

  all(): [what: string, count: number][] {
    return [...this.#counts].toSorted(([one], [other]) => (one < other ? -1 : 1));
  }
}
