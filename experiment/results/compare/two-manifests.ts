import type { SourceNode } from '../../manifest/source/node.ts';
import { readSource } from '../../manifest/source/read.ts';

/** A key whose value is not the same in two manifests; null where one has none. */
export interface ManifestDifference {
  path: string;
  a: string | null;
  b: string | null;
}

/** What two manifests do not have in common, by path, values as they are written; undefined where one cannot be read. */
export function compareManifests(a: string, b: string): ManifestDifference[] | undefined {
  const [ofA, ofB] = [valuesOf(a), valuesOf(b)];
  if (ofA === undefined || ofB === undefined) return undefined;
  return [...new Set([...ofA.keys(), ...ofB.keys()])]
    .filter((path) => ofA.get(path) !== ofB.get(path))
    .map((path) => ({ path, a: ofA.get(path) ?? null, b: ofB.get(path) ?? null }));
}

/** JSON is YAML as well. */
function valuesOf(text: string): Map<string, string> | undefined {
  const read = readSource(new TextEncoder().encode(text), 'yaml');
  if (!read.ok) return undefined;
  const values = new Map<string, string>();
  const walk = (node: SourceNode, path: string): void => {
    if (node.kind === 'map')
      for (const { key, value } of node.entries) walk(value, path === '' ? key : `${path}.${key}`);
    else if (node.kind === 'list')
      for (const [at, item] of node.items.entries()) walk(item, `${path}[${at}]`);
    else values.set(path, typeof node.value === 'string' ? node.value : node.written);
  };
  walk(read.source.root, '');
  return values;
}
