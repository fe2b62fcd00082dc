import type { SourceNode } from './node.ts';

/** What lies below a place: a single value that is text as written, or places by key (`*` any), `[]` for a list's items. */
type Place = 'as-written' | { readonly [key: string]: Place };

/** `1.0` stays `1.0`, `007` stays `007`: what goes into a command or a variable is what a person reads in the manifest. */
const AS_WRITTEN: Place = {
  environment: { '*': 'as-written' },
  tags: { '*': 'as-written' },
  run: {
    commands: {
      matrix: { '*': { '[]': 'as-written' } },
      zip: { '*': { '[]': 'as-written' } },
      exclude: { '[]': { '*': 'as-written' } },
    },
  },
};

/** The document as plain values for the schema. Objects have no prototype's keys, `__proto__` is a key like any other. */
export function plainValue(root: SourceNode): unknown {
  return convert(root, AS_WRITTEN);
}

function convert(node: SourceNode, place: Place | undefined): unknown {
  if (node.kind === 'list') return node.items.map((item) => convert(item, below(place, '[]')));
  if (node.kind === 'map') {
    return Object.fromEntries(
      node.entries.map(({ key, value }) => [key, convert(value, below(place, key) ?? below(place, '*'))]),
    );
  }
  const isWritten =
    place === 'as-written' && (typeof node.value === 'number' || typeof node.value === 'boolean');
  return isWritten ? node.written : node.value;
}

function below(place: Place | undefined, step: string): Place | undefined {
  return typeof place === 'object' && Object.hasOwn(place, step) ? place[step] : undefined;
}
