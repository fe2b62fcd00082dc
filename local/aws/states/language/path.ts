import { runtimeError, StateError } from './error.ts';
import type { Json, JsonObject } from './json.ts';
import { isJsonObject } from './json.ts';

/** What a path can look into: the input (`$`) or the context object (`$$`). */
export interface Scope {
  input: Json;
  context: JsonObject;
}

export interface Path {
  text: string;
  root: 'input' | 'context';
  steps: readonly string[];
}

/** A definition that this interpreter does not understand in full; half understood, it would lie. */
export class UnsupportedDefinition extends Error {
  override readonly name = 'UnsupportedDefinition';
}

const PATH = /^\$\$?(\.[\p{L}_][\p{L}\p{N}_-]*)*$/u;

/**
 * Compiles a reference path: `$.a.b`, `$$.State.Name`. Everything else (lists, quoted names, `*`, filters, intrinsic
 * functions) is refused.
 * @throws UnsupportedDefinition
 */
export function compilePath(text: string): Path {
  if (!PATH.test(text))
    throw new UnsupportedDefinition(
      `the local interpreter takes only paths such as $.a.b and $$.State.Name, not ${text}`,
    );
  return { text, root: text.startsWith('$$') ? 'context' : 'input', steps: text.split('.').slice(1) };
}

/** @returns undefined where the path leads nowhere */
export function findPath(path: Path, scope: Scope): Json | undefined {
  let at: Json | undefined = path.root === 'input' ? scope.input : scope.context;
  for (const step of path.steps) {
    if (at === undefined) return undefined;
    at = child(at, step);
  }
  return at;
}

/** @throws StateError `States.Runtime`, in the words of Step Functions */
export function readPath(path: Path, scope: Scope, field: string): Json {
  const value = findPath(path, scope);
  if (value !== undefined) return value;
  const root = path.root === 'input' ? scope.input : scope.context;
  throw runtimeError(
    `The JSONPath '${path.text}' specified for the field '${field}' could not be found in the input '${JSON.stringify(root)}'`,
  );
}

/**
 * `ResultPath`: the input with the value put in its place; objects on the way are made.
 * @throws StateError `States.ResultPathMatchFailure` where the way leads through something that is no object
 */
export function putAtPath(path: Path, input: Json, value: Json): Json {
  const [step, ...rest] = path.steps;
  if (step === undefined) return value;
  if (!isJsonObject(input))
    throw new StateError(
      'States.ResultPathMatchFailure',
      `Unable to apply ReferencePath ${path.text} to input ${JSON.stringify(input)}`,
    );
  const inner = Object.hasOwn(input, step) ? input[step] : undefined;
  const put = putAtPath({ ...path, steps: rest }, rest.length > 0 ? (inner ?? {}) : null, value);
  return { ...input, [step]: put };
}

function child(value: Json, step: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
}
