import type { Json, JsonObject } from './json.ts';
import type { Path, Scope } from './path.ts';
import { putAtPath, readPath } from './path.ts';

/** What a state comes to: its output, and the state that follows unless it was the last. */
export interface Step {
  output: Json;
  next: string | undefined;
}

/** A path of the state's own input or output; null stands for an empty object, nothing for all. */
export function selected(path: Path | null | undefined, scope: Scope, field: string): Json {
  if (path === undefined) return scope.input;
  return path === null ? {} : readPath(path, scope, field);
}

/** `ResultPath`: null drops the result, nothing replaces the input by it. */
export function withResult(path: Path | null | undefined, input: Json, result: Json): Json {
  if (path === undefined) return result;
  return path === null ? input : putAtPath(path, input, result);
}

/** InputPath, what the state does, OutputPath. */
export function throughPaths(
  state: { InputPath?: Path | null | undefined; OutputPath?: Path | null | undefined },
  input: Json,
  context: JsonObject,
  make: (given: Json) => Json,
): Json {
  const made = make(selected(state.InputPath, { input, context }, 'InputPath'));
  return selected(state.OutputPath, { input: made, context }, 'OutputPath');
}
