import {
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidArn,
  InvalidExecutionInput,
  InvalidName,
  InvalidOutput,
  StateMachineDoesNotExist,
  ValidationException,
} from '@aws-sdk/client-sfn';
import type { StatesPort } from '../../../aws/ports.ts';
import type { Clock, MakeNonce } from '../../../experiment/util/clock.ts';
import { defined } from '../../../experiment/util/defined.ts';
import { Execution } from './execution.ts';
import type { ExecutionRecord } from './execution-record.ts';
import type { Definition } from './language/definition.ts';
import { loadDefinition } from './language/definition.ts';
import type { Json } from './language/json.ts';
import { UnsupportedDefinition } from './language/path.ts';
import type { LocalFunction } from './task.ts';
import { TaskTokens } from './task-tokens.ts';

export interface LocalStatesSettings {
  clock: Clock;
  nonce: MakeNonce;
  /** 0 ≤ x < 1. */
  random: () => number;
  /** `arn:aws:states:<region>:<account>:stateMachine:<name>` */
  stateMachineArn: string;
  /** The text of the definition in the Amazon States Language. */
  definition: string;
  /** Values of `${Name}` in the definition. */
  substitutions?: Readonly<Record<string, string>>;
  /** By the FunctionName that the definition has after the substitutions. */
  functions: Readonly<Record<string, LocalFunction>>;
  /** Called when an execution starts and when it ends. */
  onStatus?: (record: ExecutionRecord) => void;
}

const $metadata = { httpStatusCode: 400 };
const MAX_BYTES = 262_144;

/**
 * Step Functions with one Standard state machine: its executions and task tokens, with the answers and refusals of AWS.
 * Nothing outlives the process.
 */
export class LocalStates implements StatesPort {
  readonly #settings: LocalStatesSettings;
  readonly #definition: Definition;
  readonly #tokens: TaskTokens;
  readonly #executions = new Map<string, Execution>();
  readonly #underWay = new Set<Promise<unknown>>();

  /** @throws UnsupportedDefinition for anything in the definition that is not interpreted here */
  constructor(settings: LocalStatesSettings) {
    this.#settings = settings;
    this.#definition = loadDefinition(settings.definition, settings.substitutions);
    this.#tokens = new TaskTokens(settings.nonce);
    for (const [name, state] of Object.entries(this.#definition.States))
      if (state.Type === 'Task' && settings.functions[state.Parameters.functionName] === undefined)
        throw new UnsupportedDefinition(
          `the state ${name} calls ${state.Parameters.functionName}, and there is no such function`,
        );
  }

  /** Every execution so far, oldest first, with history and transitions: more than the API tells. */
  records(): readonly ExecutionRecord[] {
    return [...this.#executions.values()].map(({ record }) => record);
  }

  /** The same name with the same input while it runs is the same execution; everything else of that name is refused. */
  readonly startExecution: StatesPort['startExecution'] = async (given) => {
    const { stateMachineArn, clock, nonce } = this.#settings;
    this.#refuseOther(given.stateMachineArn);
    const name = given.name ?? nonce();
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(name))
      throw new InvalidName({ message: `Invalid Name: '${name}'`, $metadata });
    const input = given.input ?? '{}';
    if (parsed(input) === undefined)
      throw new InvalidExecutionInput({
        message: `Invalid State Machine Execution Input: '${input.slice(0, 200)}'`,
        $metadata,
      });
    refuseLonger('input', input, MAX_BYTES);
    const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
    const known = this.#executions.get(executionArn)?.record;
    if (known !== undefined && (known.status !== 'RUNNING' || known.input !== input))
      throw new ExecutionAlreadyExists({
        message: `Execution Already Exists: '${executionArn}'`,
        $metadata,
      });
    const record =
      known ??
      this.#start({
        executionArn,
        stateMachineArn,
        name,
        input,
        startedAt: clock.now(),
        status: 'RUNNING',
        transitions: 0,
        history: [],
      });
    return { executionArn, startDate: new Date(record.startedAt), $metadata: ok() };
  };

  readonly describeExecution: StatesPort['describeExecution'] = async (given) => {
    const { record } = this.#find(given.executionArn);
    return {
      executionArn: record.executionArn,
      stateMachineArn: record.stateMachineArn,
      name: record.name,
      status: record.status,
      startDate: new Date(record.startedAt),
      ...(record.stoppedAt === undefined ? {} : { stopDate: new Date(record.stoppedAt) }),
      input: record.input,
      inputDetails: { included: true },
      ...(record.output === undefined ? {} : { output: record.output, outputDetails: { included: true } }),
      ...defined({ error: record.error, cause: record.cause }),
      redriveCount: 0,
      $metadata: ok(),
    };
  };

  readonly stopExecution: StatesPort['stopExecution'] = async (given) => {
    const execution = this.#find(given.executionArn);
    refuseLonger('error', given.error, 256);
    refuseLonger('cause', given.cause, 32_768);
    execution.stop('ABORTED', given.error, given.cause);
    const { stoppedAt } = execution.record;
    return { stopDate: new Date(stoppedAt ?? this.#settings.clock.now()), $metadata: ok() };
  };

  /** Ends an execution past all its catches, as Step Functions does on errors of its own (`States.Runtime`). */
  failExecution(executionArn: string, error: string, cause: string): void {
    this.#find(executionArn).stop('FAILED', error, cause);
  }

  /** Fails a task that waits, as Step Functions does at a limit of its own. @throws InvalidToken, TaskDoesNotExist, TaskTimedOut */
  failTask(token: string, error: string, cause: string): void {
    this.#tokens.fail(token, error, cause);
  }

  readonly sendTaskSuccess: StatesPort['sendTaskSuccess'] = async (given) => {
    const output = given.output === undefined ? undefined : parsed(given.output);
    if (output === undefined)
      throw new InvalidOutput({ message: `Invalid Output: '${given.output?.slice(0, 200)}'`, $metadata });
    refuseLonger('output', given.output, MAX_BYTES);
    this.#tokens.succeed(given.taskToken, output);
    return { $metadata: ok() };
  };

  /** Aborts what runs and waits for the functions that were called. */
  async close(): Promise<void> {
    for (const execution of this.#executions.values())
      execution.stop('ABORTED', 'LocalSystemClosed', 'the local system was closed');
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  #start(record: ExecutionRecord): ExecutionRecord {
    const { clock, random, functions, onStatus } = this.#settings;
    const execution = new Execution({
      clock,
      random,
      functions,
      tokens: this.#tokens,
      definition: this.#definition,
      record,
      onStatus: onStatus ?? (() => undefined),
      onCall: (call) => this.#track(call),
    });
    this.#executions.set(record.executionArn, execution);
    this.#track(execution.run());
    return record;
  }

  #track(work: Promise<unknown>): void {
    this.#underWay.add(work);
    // How it ended is told to whoever waits for its result; here it only counts that it did.
    const forget = () => this.#underWay.delete(work);
    void work.then(forget, forget);
  }

  #refuseOther(arn: string | undefined): void {
    refuseNoArn(arn, 'stateMachine');
    if (arn !== this.#settings.stateMachineArn)
      throw new StateMachineDoesNotExist({ message: `State Machine Does Not Exist: '${arn}'`, $metadata });
  }

  #find(executionArn: string | undefined): Execution {
    refuseNoArn(executionArn, 'execution');
    const execution = this.#executions.get(executionArn ?? '');
    if (execution === undefined)
      throw new ExecutionDoesNotExist({
        message: `Execution Does Not Exist: '${executionArn}'`,
        $metadata,
      });
    return execution;
  }
}

const ARNS = {
  stateMachine: /^arn:aws[\w-]*:states:[\w-]+:\d{12}:stateMachine:[\w-]+/,
  execution: /^arn:aws[\w-]*:states:[\w-]+:\d{12}:execution:[\w-]+/,
};

function refuseNoArn(text = '', kind: keyof typeof ARNS): void {
  if (ARNS[kind].test(text)) return;
  throw new InvalidArn({ message: `Invalid Arn: '${text}'`, $metadata });
}

function ok() {
  return { httpStatusCode: 200 };
}

/** @returns undefined for text that is no JSON */
function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Told to the caller in the words of the API.
  }
}

function refuseLonger(field: string, text: string | undefined, most: number): void {
  if (text === undefined || text.length <= most) return;
  throw new ValidationException({
    message: `Value at '${field}' failed to satisfy constraint: Member must have length less than or equal to ${most}`,
    reason: undefined,
    $metadata,
  });
}
