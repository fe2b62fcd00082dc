import type { Clock } from '../../../experiment/util/clock.ts';
import type { Step } from './language/data-flow.ts';
import { selected, throughPaths, withResult } from './language/data-flow.ts';
import type { ChoiceState, FailState, PassState, WaitState } from './language/definition.ts';
import { runtimeError, StateError } from './language/error.ts';
import type { Json, JsonObject } from './language/json.ts';
import { secondsOf, textOf } from './language/json.ts';
import type { Scope } from './language/path.ts';
import { readPath } from './language/path.ts';
import { timestamp } from './language/timestamp.ts';

/** The states that call nobody. */

export function pass(state: PassState, input: Json, context: JsonObject): Step {
  const output = throughPaths(state, input, context, (given) => {
    const made = state.Parameters?.({ input: given, context }) ?? given;
    return withResult(state.ResultPath, input, state.Result ?? made);
  });
  return { output, next: state.Next };
}

export async function wait(
  state: WaitState,
  input: Json,
  context: JsonObject,
  clock: Clock,
  signal: AbortSignal,
): Promise<Step> {
  const given = selected(state.InputPath, { input, context }, 'InputPath');
  await clock.sleep(waitMs(state, { input: given, context }, clock), signal);
  return { output: selected(state.OutputPath, { input: given, context }, 'OutputPath'), next: state.Next };
}

function waitMs(state: WaitState, scope: Scope, clock: Clock): number {
  if (state.Seconds !== undefined) return 1000 * state.Seconds;
  if (state.SecondsPath !== undefined)
    return 1000 * secondsOf(readPath(state.SecondsPath, scope, 'SecondsPath'), 'SecondsPath');
  const text =
    state.Timestamp ?? (state.TimestampPath && readPath(state.TimestampPath, scope, 'TimestampPath'));
  const until = timestamp(text);
  if (until === undefined)
    throw runtimeError(`TimestampPath must lead to a timestamp, not ${JSON.stringify(text)}`);
  return Math.max(0, until - clock.now());
}

export function choose(state: ChoiceState, name: string, input: Json, context: JsonObject): Step {
  const given = selected(state.InputPath, { input, context }, 'InputPath');
  const scope = { input: given, context };
  const next = state.Choices.find((rule) => rule.holds(scope))?.Next ?? state.Default;
  if (next === undefined)
    throw new StateError(
      'States.NoChoiceMatched',
      `no rule of the state ${name} matches and it has no Default`,
    );
  return { output: selected(state.OutputPath, scope, 'OutputPath'), next };
}

export function fail(state: FailState, input: Json, context: JsonObject): never {
  const scope = { input, context };
  const error = state.ErrorPath && textOf(readPath(state.ErrorPath, scope, 'ErrorPath'), 'ErrorPath');
  const cause = state.CausePath && textOf(readPath(state.CausePath, scope, 'CausePath'), 'CausePath');
  throw new StateError(state.Error ?? error ?? '', state.Cause ?? cause ?? '');
}
