import type { SourceNode } from './source-node.ts';

/** Keys whose values are text as written: `1.0` stays `1.0`, `yes` stays `yes`. */
const AS_WRITTEN = new Set(['environment', 'tags']);

/** The document as plain values for the schema. Objects have no prototype's keys, `__proto__` is a key like any other. */
export function plainValue(root: SourceNode): unknown {
  return convert(root, 0, false);
}

function convert(node: SourceNode, depth: number, asWritten: boolean): unknown {
  if (node.kind === 'list') return node.items.map((item) => convert(item, depth + 1, false));
  if (node.kind === 'map') {
    return Object.fromEntries(
      node.entries.map(({ key, value }) => [
        key,
        convert(value, depth + 1, (depth === 0 && AS_WRITTEN.has(key)) || (depth === 1 && asWritten)),
      ]),
    );
  }
  const isWritten =
    asWritten && depth === 2 && (typeof node.value === 'number' || typeof node.value === 'boolean');
  return isWritten ? node.written : node.value;
}
