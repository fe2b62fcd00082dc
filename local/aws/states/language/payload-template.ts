import type { Json } from './json.ts';
import { isJsonObject } from './json.ts';
import type { Scope } from './path.ts';
import { compilePath, readPath, UnsupportedDefinition } from './path.ts';

/** Makes the value of `Parameters` or `ResultSelector` from what the state was given. */
export type PayloadTemplate = (scope: Scope) => Json;

/**
 * Compiles a payload template: fields whose names end in `.$` are replaced by what their path names.
 * @throws UnsupportedDefinition
 */
export function compileTemplate(template: Json): PayloadTemplate {
  if (Array.isArray(template))
    throw new UnsupportedDefinition(`the local interpreter takes no list here: ${JSON.stringify(template)}`);
  if (!isJsonObject(template)) return () => template;
  const fields = Object.entries(template).map(compileField);
  const keys = new Set(fields.map(([key]) => key));
  if (keys.size < fields.length) throw new UnsupportedDefinition('a field stands with and without .$');
  return (scope) => Object.fromEntries(fields.map(([key, make]) => [key, make(scope)]));
}

function compileField([key, value]: [string, Json]): readonly [string, PayloadTemplate] {
  if (!key.endsWith('.$')) return [key, compileTemplate(value)];
  if (typeof value !== 'string')
    throw new UnsupportedDefinition(`the field ${key} takes a path, not ${JSON.stringify(value)}`);
  const path = compilePath(value);
  return [key.slice(0, -2), (scope) => readPath(path, scope, key)];
}
