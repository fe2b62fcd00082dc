import type { Json } from './json.ts';
import type { Path } from './path.ts';
import { putAtPath } from './path.ts';

/** What a state comes to: its output, and the state that follows unless it was the last. */
export interface Step {
  output: Json;
  next: string | undefined;
}

/** `ResultPath`: null drops the result, nothing replaces the input by it. */
export function withResult(path: Path | null | undefined, input: Json, result: Json): Json {
  if (path === undefined) return result;
  return path === null ? input : putAtPath(path, input, result);
}
