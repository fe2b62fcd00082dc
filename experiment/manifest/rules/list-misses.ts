import { nearMissesOf } from '../../commands/near-misses.ts';
import type { Fault } from '../source/fault.ts';

const MOST = 20;

/** What the lines of a list of commands may have by mistake, each at its place in that list; the first of them. */
export class ListMisses {
  readonly warnings: Fault[] = [];
  readonly #file: string;

  /** @param file as people know it */
  constructor(file: string) {
    this.#file = file;
  }

  readonly take = (line: Uint8Array, number: number): void => {
    if (this.warnings.length >= MOST) return;
    const source = Buffer.from(line).toString();
    for (const { at, text, message } of nearMissesOf(source)) {
      const place = { path: '', line: number, column: at + 1, text };
      this.warnings.push({ code: 'near-miss', ...place, message, elsewhere: { file: this.#file, source } });
    }
  };
}
