import type { Fault } from './fault.ts';

/** A place in the source: offsets of UTF-16 units. */
export interface Span {
  start: number;
  end: number;
}

export type SourceNode = Span &
  (
    | { kind: 'scalar'; value: string | number | boolean | null; written: string }
    | { kind: 'list'; items: SourceNode[] }
    | { kind: 'map'; entries: { key: string; at: Span; value: SourceNode }[] }
  );

/**
 * What a notation's reader found: a tree, with the faults that leave one (a key given twice, a tag), or only faults (no
 * such notation, too deep, too much).
 */
export type Reading = { root: SourceNode; faults: Fault[] } | { faults: Fault[] };
