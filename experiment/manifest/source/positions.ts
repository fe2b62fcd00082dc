import { LineCounter } from 'yaml';
import type { Fault } from './fault.ts';

/** Offsets of a text to lines and columns, and to faults there. */
export class SourcePlaces {
  readonly text: string;
  readonly #lines = new LineCounter();

  constructor(text: string) {
    this.text = text;
    for (let start = 0; start !== -1; start = text.indexOf('\n', start) + 1 || -1)
      this.#lines.addNewLine(start);
  }

  /** Line and column, both from 1. */
  at(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }

  fault(code: string, { start, end }: { start: number; end: number }, message: string): Fault {
    const line = this.text.slice(start, Math.min(end, start + 80)).split('\n')[0] ?? '';
    const place = this.at(Math.min(start, this.text.length));
    return { code, path: '', ...place, text: line.trimEnd() || line, message };
  }
}
