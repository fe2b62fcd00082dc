import type { Clock } from '../../../experiment/util/clock.ts';
import { withinTime } from './deadline.ts';
import type { HistoryEvent } from './execution-record.ts';
import type { Step } from './language/data-flow.ts';
import { withResult } from './language/data-flow.ts';
import type { TaskState } from './language/definition.ts';
import { names, runtimeError, StateError } from './language/error.ts';
import type { Json, JsonObject } from './language/json.ts';
import { asJson, isJsonObject, secondsOf, withinLimit } from './language/json.ts';
import type { Scope } from './language/path.ts';
import { readPath } from './language/path.ts';
import { INVOKE_AND_WAIT } from './language/schemas.ts';
import { Retries } from './retries.ts';
import type { TaskTokens, WaitingTask } from './task-tokens.ts';

/** A function of the deployment, called with a payload of its own. */
export type LocalFunction = (payload: unknown) => Promise<unknown>;

/** What every task of a state machine is run with. */
export interface TaskSurroundings {
  clock: Clock;
  /** 0 ≤ x < 1, for JitterStrategy FULL. */
  random: () => number;
  functions: Readonly<Record<string, LocalFunction>>;
  tokens: TaskTokens;
  /** Told of every call of a function, so that a closing system can wait for it. */
  onCall: (call: Promise<unknown>) => void;
}

/** And what one task needs of its execution. */
export interface TaskExecution extends TaskSurroundings {
  /** Aborts when the execution is over. */
  signal: AbortSignal;
  note: (type: string, detail?: Partial<HistoryEvent>) => void;
  countRetry: () => void;
}

/** Runs a Task state with its Retry and Catch. @throws StateError when neither helps */
export async function runTask(
  state: TaskState,
  input: Json,
  context: JsonObject,
  execution: TaskExecution,
): Promise<Step> {
  const retries = new Retries(state.Retry, execution.random);
  for (let retryCount = 0; ; retryCount += 1) {
    try {
      const output = await attempt(state, input, withRetryCount(context, retryCount), execution);
      return { output, next: state.Next };
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      const delay = retries.delayAfter(error);
      if (delay === undefined) return caught(state, input, error);
      await execution.clock.sleep(delay, execution.signal);
      execution.countRetry();
    }
  }
}

async function attempt(
  state: TaskState,
  input: Json,
  context: JsonObject,
  execution: TaskExecution,
): Promise<Json> {
  const waiting = state.Resource === INVOKE_AND_WAIT ? execution.tokens.open() : undefined;
  try {
    const inner = waiting === undefined ? context : { ...context, Task: { Token: waiting.token } };
    const result = await perform(state, { input, context: inner }, waiting, execution);
    const shaped = state.ResultSelector?.({ input: result, context: inner }) ?? result;
    return withResult(state.ResultPath, input, shaped);
  } finally {
    waiting?.close();
  }
}

/** The task itself: calls the function, and waits for its token where the resource says so. */
async function perform(
  state: TaskState,
  scope: Scope,
  waiting: WaitingTask | undefined,
  execution: TaskExecution,
): Promise<Json> {
  const { functionName, payload } = state.Parameters;
  const given = withinLimit(payload(scope), 'the payload of the task');
  const timeoutMs = limitMs(state, scope);
  execution.note('TaskScheduled');
  const call = callFunction(functionName, given, execution);
  execution.onCall(call);
  execution.note('TaskStarted');
  try {
    const work = waiting === undefined ? call : untilCompleted(call, waiting, execution);
    const result = await withinTime(work, timeoutMs, execution.clock, execution.signal);
    execution.note('TaskSucceeded');
    return withinLimit(result, 'the result of the task');
  } catch (error) {
    if (error instanceof StateError) execution.note(failureType(error), detailOf(error));
    throw error;
  }
}

/** The function's own result counts for nothing here, only its failure does. */
async function untilCompleted(
  call: Promise<Json>,
  waiting: WaitingTask,
  execution: TaskExecution,
): Promise<Json> {
  const submitted = call.then(() => {
    if (waiting.isOpen()) execution.note('TaskSubmitted');
    return waiting.completion;
  });
  return Promise.race([waiting.completion, submitted]);
}

async function callFunction(
  functionName: string,
  payload: Json,
  { functions }: TaskSurroundings,
): Promise<Json> {
  const target = functions[functionName];
  if (target === undefined) throw runtimeError(`there is no function ${functionName}`);
  try {
    // A copy each way: what a function does to its payload is not seen outside.
    const result = asJson(await target(asJson(payload)));
    return { ExecutedVersion: '$LATEST', Payload: result, StatusCode: 200 };
  } catch (error) {
    throw lambdaError(error);
  }
}

/** As Lambda's Node.js runtime reports what a handler threw. */
function lambdaError(error: unknown): StateError {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const cause = { errorType: name, errorMessage: message, trace: stack?.split('\n') ?? [] };
  return new StateError(name, JSON.stringify(cause));
}

function caught(state: TaskState, input: Json, error: StateError): Step {
  const catcher = state.Catch?.find((rule) => names(rule.ErrorEquals, error));
  if (catcher === undefined) throw error;
  const output = withResult(catcher.ResultPath, input, { Error: error.name, Cause: error.message });
  return { output, next: catcher.Next };
}

function limitMs({ TimeoutSeconds, TimeoutSecondsPath: path }: TaskState, scope: Scope): number | undefined {
  if (TimeoutSeconds !== undefined) return 1000 * TimeoutSeconds;
  return path && 1000 * secondsOf(readPath(path, scope, path.text), path.text);
}

function withRetryCount(context: JsonObject, retryCount: number): JsonObject {
  const { State } = context;
  return { ...context, State: { ...(isObject(State) ? State : {}), RetryCount: retryCount } };
}

function isObject(value: Json | undefined): value is JsonObject {
  return value !== undefined && isJsonObject(value);
}

function failureType({ name }: StateError): string {
  return name === 'States.Timeout' ? 'TaskTimedOut' : 'TaskFailed';
}

function detailOf({ name, message }: StateError): Partial<HistoryEvent> {
  return { error: name, cause: message };
}
