import type { Fault } from './fault.ts';
import type { SourceNode, Span } from './node.ts';
import type { SourcePlaces } from './positions.ts';

/** Levels of lists and groups. A manifest of ours has five. */
export const MAX_DEPTH = 40;
/** Signs (brackets, words, line ends …): more than 50,000 commands in a list make, and what is read within half a second. */
export const MAX_SIGNS = 250_000;
/** Far over what a manifest of 1 MiB needs, far under what an alias bomb makes. */
const MAX_NODES = 200_000;
const MAX_TEXT = 4 * 1024 * 1024;
const MAX_FAULTS = 50;

/** What the two notations' readers have in common: they count what they make, and judge keys and texts alike. */
export class ManifestTree {
  /** Faults that leave a tree to be judged. */
  readonly faults: Fault[] = [];
  /** The first limit that was passed: what is read no longer stands for the file. */
  limit: Fault | undefined;
  readonly places: SourcePlaces;
  #nodes = 0;
  #text = 0;

  constructor(places: SourcePlaces) {
    this.places = places;
  }

  /** False when there is no going on from here. */
  enter({ start }: Span, depth: number): boolean {
    this.#nodes += 1;
    const at = { start, end: start + 1 };
    if (depth > MAX_DEPTH) this.limit ??= tooDeep(this.places, start);
    else if (this.#nodes > MAX_NODES || this.#text > MAX_TEXT)
      this.limit ??= this.places.fault(
        'too-many',
        at,
        `the document has over ${MAX_NODES.toLocaleString('en')} parts or 4 MiB once its aliases are written out`,
      );
    return this.limit === undefined;
  }

  scalar(span: Span, value: unknown, written: string): SourceNode {
    const { start, end } = span;
    const kept =
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
    if (typeof kept !== 'string') return { kind: 'scalar', start, end, value: kept, written };
    this.#text += kept.length;
    if (kept.includes('\0')) this.fault('control-character', span, 'a NUL character is not allowed');
    if (!kept.isWellFormed())
      this.fault('bad-character', span, 'half of a surrogate pair is no character, and UTF-8 cannot hold it');
    return { kind: 'scalar', start, end, value: kept, written };
  }

  map({ start, end }: Span, entries: { key: string; at: Span; value: SourceNode }[]): SourceNode {
    const seen = new Map<string, Span>();
    for (const { key, at } of entries) {
      const first = seen.get(key);
      if (first === undefined) seen.set(key, at);
      else
        this.fault(
          'double-key',
          at,
          `\`${key}\` is given twice, first in line ${this.places.at(first.start).line}`,
        );
    }
    return { kind: 'map', start, end, entries };
  }

  fault(code: string, span: Span, message: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push(this.places.fault(code, span, message));
  }
}

export function tooDeep(places: SourcePlaces, start: number): Fault {
  return places.fault('too-deep', { start, end: start + 1 }, `nested deeper than ${MAX_DEPTH} levels`);
}

export function tooManySigns(places: SourcePlaces, start: number): Fault {
  return places.fault(
    'too-many',
    { start, end: start + 1 },
    `over ${MAX_SIGNS.toLocaleString('en')} words and signs are more than a manifest may have; put long command lists into a file of their own (run.commands.file)`,
  );
}

/** Where nothing stands. */
export function nothing({ start, end }: Span): SourceNode {
  return { kind: 'scalar', start, end, value: null, written: '' };
}
