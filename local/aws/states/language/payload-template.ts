import type { Json } from './json.ts';
import { isJsonObject } from './json.ts';
import type { Path, Scope } from './path.ts';
import { compilePath, readPath, UnsupportedDefinition } from './path.ts';

/** Makes the value of `Parameters` or `ResultSelector` from what the state was given. */
export type PayloadTemplate = (scope: Scope) => Json;

/** A value of a field whose name ends in `.$` (or `Path`): a path; intrinsic functions are not known here. */
export function compileExpression(text: string): Path {
  if (text.startsWith('States.'))
    throw new UnsupportedDefinition(`the local interpreter knows no intrinsic functions: ${text}`);
  return compilePath(text);
}

/**
 * Compiles a payload template: fields whose names end in `.$` are replaced by what their path names.
 * @throws UnsupportedDefinition
 */
export function compileTemplate(template: Json): PayloadTemplate {
  if (Array.isArray(template)) {
    const items = template.map(compileTemplate);
    return (scope) => items.map((item) => item(scope));
  }
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
  const path = compileExpression(value);
  return [key.slice(0, -2), (scope) => readPath(path, scope, key)];
}
