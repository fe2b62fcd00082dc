import type { Fault } from './fault.ts';

/** Offsets of a text to lines and columns, and to faults there. */
export class SourcePlaces {
  readonly text: string;
  #starts: number[] | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** Line and column, both from 1. */
  at(offset: number): { line: number; column: number } {
    this.#starts ??= lineStarts(this.text);
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
  }

  fault(code: string, { start, end }: { start: number; end: number }, message: string): Fault {
    const line = this.text.slice(start, Math.min(end, start + 80)).split('\n')[0] ?? '';
    const place = this.at(Math.min(start, this.text.length));
    return { code, path: '', ...place, text: line.trimEnd() || line, message };
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
