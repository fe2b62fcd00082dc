import { StateMachine } from 'aws-local-stepfunctions';
import { vi } from 'vitest';

/** What a run of a machine came to, as far as both interpreters tell it. */
export interface Outcome {
  output?: unknown;
  error?: string;
  /** Seconds from the start, of each call of the function and of the end. */
  calls: readonly number[];
  ended: number;
}

/** What each call of the function does in turn: throws an error of this name, hangs, or (when the list is over) returns. */
export type Script = readonly ('hang' | (string & {}))[];

type Definition = ConstructorParameters<typeof StateMachine>[0];
type JsonValue = Parameters<StateMachine['run']>[0];
type Handlers = NonNullable<
  NonNullable<NonNullable<Parameters<StateMachine['run']>[1]>['overrides']>['taskResourceLocalHandlers']
>;
const MOST_TIMERS = 10_000;

/**
 * Runs a machine in the package aws-local-stepfunctions, under fake timers that the caller has switched on. Its tasks
 * are called by name of their state and get what `lambda:invoke` would be given.
 */
export async function runInOtherInterpreter(
  definition: object,
  input: object,
  taskNames: readonly string[],
  act: (payload: unknown) => Promise<unknown>,
): Promise<Omit<Outcome, 'calls'>> {
  const started = Date.now();
  const handler: Handlers[string] = async (parameters) => ({
    ExecutedVersion: '$LATEST',
    // An answer of the test's own function, and so a copy of what JSON holds.
    Payload: (await act(Reflect.get(Object(parameters), 'Payload'))) as JsonValue,
    StatusCode: 200,
  });
  // The generated machines are plain objects; a test of their own has the validator judge them, which takes longer.
  const execution = new StateMachine(definition as Definition, {
    validationOptions: { noValidate: true },
  }).run(input as JsonValue, {
    overrides: { taskResourceLocalHandlers: Object.fromEntries(taskNames.map((name) => [name, handler])) },
  });
  let outcome: { output?: unknown; error?: string } | undefined;
  const settled = execution.result.then(
    (output) => {
      outcome = { output };
    },
    (failure: Error) => {
      const error = failure.cause instanceof Error ? failure.cause : failure;
      outcome = { error: error.name };
    },
  );
  for (let turn = 0; outcome === undefined && turn < MOST_TIMERS; turn += 1)
    await vi.advanceTimersToNextTimerAsync();
  if (outcome === undefined) throw new Error('the other interpreter does not come to an end');
  await settled;
  return { ...outcome, ended: (Date.now() - started) / 1000 };
}
