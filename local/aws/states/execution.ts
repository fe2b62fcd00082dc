import { defined } from '../../../experiment/util/defined.ts';
import type { ExecutionRecord, ExecutionStatus, HistoryEvent } from './execution-record.ts';
import type { Step } from './language/data-flow.ts';
import type { Definition, State } from './language/definition.ts';
import { runtimeError, StateError } from './language/error.ts';
import type { Json, JsonObject } from './language/json.ts';
import { withinLimit } from './language/json.ts';
import { choose, fail } from './simple.ts';
import type { TaskSurroundings } from './task.ts';
import { runTask } from './task.ts';

export interface ExecutionSettings extends TaskSurroundings {
  definition: Definition;
  record: ExecutionRecord;
  /** Called when the status has changed. */
  onStatus: (record: ExecutionRecord) => void;
}

/** Step Functions ends an execution whose history grows longer. */
const MAX_EVENTS = 25_000;
const LONGEST_CAUSE = 32_768;

/** One run of the state machine, from its first state to its end. */
export class Execution {
  readonly record: ExecutionRecord;
  readonly #settings: ExecutionSettings;
  readonly #ended = new AbortController();

  constructor(settings: ExecutionSettings) {
    this.record = settings.record;
    this.#settings = settings;
  }

  /** Resolves when the execution has ended, however it did. */
  async run(): Promise<void> {
    this.#settings.onStatus(this.record);
    this.#note('ExecutionStarted');
    this.record.transitions += 1;
    try {
      const output = await this.#untilLastState();
      this.#end('SUCCEEDED', { output: JSON.stringify(output) });
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      const { name, message } = asStateError(error);
      this.#end('FAILED', {
        ...(name === '' ? {} : { error: name }),
        ...(message === '' ? {} : { cause: message.slice(0, LONGEST_CAUSE) }),
      });
    }
  }

  /** StopExecution: what is waiting is given up at once; a function that is running goes on, as on AWS. */
  stop(status: 'ABORTED' | 'FAILED', error: string | undefined, cause: string | undefined): void {
    this.#end(status, {
      ...defined({ error, cause }),
    });
  }

  async #untilLastState(): Promise<Json> {
    const { definition, clock } = this.#settings;
    // StartExecution has answered before the first state is entered.
    await clock.sleep(0, this.#ended.signal);
    let input: Json = JSON.parse(this.record.input);
    let name: string | undefined = definition.StartAt;
    while (name !== undefined) {
      const step = await this.#enter(name, input);
      this.#ended.signal.throwIfAborted();
      input = withinLimit(step.output, `the output of the state ${name}`);
      name = step.next;
    }
    return input;
  }

  async #enter(name: string, input: Json): Promise<Step> {
    const state = this.#settings.definition.States[name];
    if (state === undefined) throw runtimeError(`no state is called ${name}`);
    this.record.transitions += 1;
    this.#note(`${state.Type}StateEntered`, { state: name });
    const context = this.#contextOf(name);
    const step = await this.#runState(state, name, input, context);
    this.#note(`${state.Type}StateExited`, { state: name });
    return step;
  }

  async #runState(state: State, name: string, input: Json, context: JsonObject): Promise<Step> {
    switch (state.Type) {
      case 'Task':
        return runTask(state, input, context, {
          ...this.#settings,
          signal: this.#ended.signal,
          note: (type, detail) => this.#note(type, { state: name, ...detail }),
          countRetry: () => {
            this.record.transitions += 1;
          },
        });
      case 'Choice':
        return choose(state, input, context);
      case 'Succeed':
        return { output: input, next: undefined };
      case 'Fail':
        return fail(state, input, context);
    }
  }

  /** The context object (`$$`) as a state sees it when it is entered. */
  #contextOf(name: string): JsonObject {
    const { record, clock } = this.#settings;
    const machineName = record.stateMachineArn.split(':').at(-1) ?? '';
    return {
      Execution: {
        Id: record.executionArn,
        Input: JSON.parse(record.input),
        Name: record.name,
        RoleArn: 'arn:aws:iam::000000000000:role/local-state-machine',
        StartTime: new Date(record.startedAt).toISOString(),
        RedriveCount: 0,
      },
      State: { Name: name, EnteredTime: new Date(clock.now()).toISOString(), RetryCount: 0 },
      StateMachine: { Id: record.stateMachineArn, Name: machineName },
    };
  }

  /** The first end counts. */
  #end(status: ExecutionStatus, result: Partial<Pick<ExecutionRecord, 'output' | 'error' | 'cause'>>): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(new Error(`the execution ${this.record.name} is over`));
    this.record.transitions += 1;
    Object.assign(this.record, { status, stoppedAt: this.#settings.clock.now(), ...result });
    const { output: _, ...detail } = result;
    this.#push(`Execution${NOTED[status]}`, detail);
    this.#settings.onStatus(this.record);
  }

  #note(type: string, detail: Partial<HistoryEvent> = {}): void {
    if (this.#ended.signal.aborted) return; // What still runs adds nothing to a history that is closed.
    if (this.record.history.length >= MAX_EVENTS - 1)
      throw runtimeError(`The execution reached the maximum number of history events (${MAX_EVENTS}).`);
    this.#push(type, detail);
  }

  #push(type: string, detail: Partial<HistoryEvent>): void {
    const { history } = this.record;
    history.push({ id: history.length + 1, type, at: this.#settings.clock.now(), ...detail });
  }
}

const NOTED: Readonly<Record<ExecutionStatus, string>> = {
  RUNNING: 'Started',
  SUCCEEDED: 'Succeeded',
  FAILED: 'Failed',
  ABORTED: 'Aborted',
};

/** Nothing that goes wrong in here is lost: it ends the execution as Step Functions' own failures do. */
function asStateError(error: unknown): StateError {
  if (error instanceof StateError) return error;
  return runtimeError(
    `the local interpreter failed: ${error instanceof Error ? error.stack : String(error)}`,
  );
}
