import { plainValue } from './plain-value.ts';
import { manifestFormat, readSource } from './read.ts';

/** What a manifest that may be full of faults says under a key at its top; null where no keys can be read in it. */
export function fieldOf(text: string, file: string, field: string): unknown {
  const read = readSource(new TextEncoder().encode(text), manifestFormat(file));
  const document = read.ok ? plainValue(read.source.root) : undefined;
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return null;
  return Reflect.get(document, field);
}
