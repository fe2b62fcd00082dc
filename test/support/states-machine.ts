import type { ExecutionRecord } from '../../local/aws/states/execution-record.ts';
import { LocalStates } from '../../local/aws/states/states.ts';
import type { LocalFunction } from '../../local/aws/states/task.ts';
import { SeededRandom } from '../../local/clock/seeded-random.ts';
import { VirtualClock } from '../../local/clock/virtual.ts';

export const MACHINE = 'arn:aws:states:eu-central-1:000000000000:stateMachine:small';
const START = Date.parse('2026-01-01T00:00:00Z');
const WEEK = 7 * 24 * 3600 * 1000;

/** A small state machine in virtual time. */
export function makeMachine(
  definition: object,
  functions: Readonly<Record<string, LocalFunction>> = {},
  options: { random?: () => number; substitutions?: Readonly<Record<string, string>> } = {},
) {
  const clock = new VirtualClock(START);
  const seeded = new SeededRandom(1);
  const statuses: string[] = [];
  const states = new LocalStates({
    clock,
    nonce: seeded.nonce,
    random: options.random ?? (() => seeded.next()),
    stateMachineArn: MACHINE,
    definition: JSON.stringify(definition),
    ...(options.substitutions === undefined ? {} : { substitutions: options.substitutions }),
    functions,
    onStatus: ({ name, status }) => statuses.push(`${name} ${status}`),
  });
  const record = (name = 'one'): ExecutionRecord => {
    const found = states.records().find((one) => one.name === name);
    if (found === undefined) throw new Error(`no execution is called ${name}`);
    return found;
  };
  return {
    clock,
    states,
    port: states,
    statuses,
    record,
    start: (input: unknown = {}, name = 'one') =>
      states.startExecution({ stateMachineArn: MACHINE, name, input: JSON.stringify(input) }),
    describe: async (name = 'one') => states.describeExecution({ executionArn: record(name).executionArn }),
    /** Seconds of virtual time since the system began. */
    seconds: () => (clock.now() - START) / 1000,
    untilEnd: async (name = 'one') => {
      if (!(await clock.runUntil(() => record(name).status !== 'RUNNING', WEEK)))
        throw new Error(`the execution ${name} still runs after a week`);
      return record(name);
    },
  };
}

/** Starts one execution and waits for its end. */
export async function runMachine(
  definition: object,
  input: unknown = {},
  functions: Readonly<Record<string, LocalFunction>> = {},
) {
  const machine = makeMachine(definition, functions);
  await machine.start(input);
  const record = await machine.untilEnd();
  const output: unknown = record.output === undefined ? undefined : JSON.parse(record.output);
  return { record, output, seconds: machine.seconds() };
}

/** The fields of a Task that calls a function of the test. */
export function invoke(functionName: string, more: object = {}) {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Parameters: { FunctionName: functionName, 'Payload.$': '$' },
    ...more,
  };
}

/** The same, waiting for its token. */
export function invokeAndWait(functionName: string, more: object = {}) {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Parameters: {
      FunctionName: functionName,
      Payload: { 'token.$': '$$.Task.Token', 'attempt.$': '$$.State.RetryCount', 'input.$': '$' },
    },
    ...more,
  };
}

/** An error as a function throws it: Step Functions sees its name. */
export function named(name: string, message = 'on purpose'): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
