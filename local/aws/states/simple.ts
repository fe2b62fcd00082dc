import type { Step } from './language/data-flow.ts';
import type { ChoiceState, FailState } from './language/definition.ts';
import { runtimeError, StateError } from './language/error.ts';
import type { Json, JsonObject } from './language/json.ts';
import { textOf } from './language/json.ts';
import { findPath, readPath } from './language/path.ts';

/** The states that call nobody. */

export function choose(state: ChoiceState, input: Json, context: JsonObject): Step {
  const holds = ({ Variable, StringEquals }: ChoiceState['Choices'][number]) => {
    const value = findPath(Variable, { input, context });
    if (value !== undefined) return value === StringEquals;
    throw runtimeError(
      `Invalid path '${Variable.text}': The choice state's condition path references an invalid value.`,
    );
  };
  return { output: input, next: state.Choices.find(holds)?.Next ?? state.Default };
}

export function fail(state: FailState, input: Json, context: JsonObject): never {
  const scope = { input, context };
  throw new StateError(
    textOf(readPath(state.ErrorPath, scope, 'ErrorPath'), 'ErrorPath'),
    textOf(readPath(state.CausePath, scope, 'CausePath'), 'CausePath'),
  );
}
