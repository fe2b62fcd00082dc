import type { SourceNode } from '../experiment/manifest/source/node.ts';
import type { Source } from '../experiment/manifest/source/read.ts';

/** A value to be put at a place of a manifest; where the key is not there yet, its map is. */
export interface Edit {
  path: readonly (string | number)[];
  value: string | number | object;
}

/**
 * The manifest's text with these values, and not a character changed elsewhere: comments, line numbers and numbers as
 * they were written stay. Texts are written as JSON does, which YAML reads as well.
 */
export function editedText({ text, root }: Pick<Source, 'text' | 'root'>, edits: readonly Edit[]): string {
  const changes = edits.map(({ path, value }) => changeAt(text, root, path, JSON.stringify(value)));
  let edited = '';
  let from = 0;
  for (const { start, end, put } of changes.toSorted((a, b) => a.start - b.start)) {
    edited += text.slice(from, start) + put;
    from = end;
  }
  return edited + text.slice(from);
}

interface Change {
  start: number;
  end: number;
  put: string;
}

function changeAt(text: string, root: SourceNode, path: readonly (string | number)[], value: string): Change {
  let node = root;
  for (const [depth, step] of path.entries()) {
    const next = childOf(node, step);
    if (next === undefined) return insertion(text, node, path.slice(depth), value);
    node = next;
  }
  // A block text (`|`, `>`) ends with its line.
  const put = text[node.end - 1] === '\n' ? `${value}\n` : value;
  return { start: node.start, end: node.end, put };
}

function childOf(node: SourceNode, step: string | number): SourceNode | undefined {
  if (node.kind === 'list' && typeof step === 'number') return node.items[step];
  if (node.kind === 'map') return node.entries.find(({ key }) => key === step)?.value;
  return undefined;
}

/** A new key before the first one of its map, in the map's own style. */
function insertion(
  text: string,
  map: SourceNode,
  [key = '', ...below]: readonly (string | number)[],
  value: string,
): Change {
  const whole = below.reduceRight((inner, step) => `{${JSON.stringify(step)}: ${inner}}`, value);
  const put = `${JSON.stringify(key)}: ${whole}`;
  const first = map.kind === 'map' ? map.entries[0] : undefined;
  if (text[map.start] === '{') {
    const start = map.start + 1;
    return { start, end: start, put: first === undefined ? put : `${put}, ` };
  }
  const start = first?.at.start ?? map.start;
  const indent = start - (text.lastIndexOf('\n', start - 1) + 1);
  return { start, end: start, put: `${put}\n${' '.repeat(indent)}` };
}
