import type { StatesPort } from '../../../aws/ports.ts';
import { LocalStates } from '../../../local/aws/states/states.ts';
import type { LocalFunction } from '../../../local/aws/states/task.ts';
import { SeededRandom } from '../../../local/clock/seeded-random.ts';
import type { VirtualClock } from '../../../local/clock/virtual.ts';
import { STATE_MACHINE } from '../../support/control-plane.ts';

const WEEK_MS = 7 * 24 * 3600 * 1000;
const CALL_WITHIN_MS = 900_000;

/** The functions that the state machine calls, by the names that the definition is given for them. */
export type StateFunctions = Readonly<Record<'submit' | 'settle' | 'collect', LocalFunction>>;

/** How far an execution got. */
export interface Execution {
  status: string;
  error: string;
  cause: string;
  /** States in the order they were entered. */
  entered: string[];
}

/** Who runs the definition: ours, or somebody else's. */
export interface Interpreter {
  stateMachineArn: string;
  states: StatesPort;
  /** Lets time pass until `done` holds for the execution of this name. @throws when it never does */
  until(name: string, done: (execution: Execution) => boolean): Promise<Execution>;
  /** Lets time pass until the call is over. */
  during(call: Promise<unknown>): Promise<void>;
  /** StopExecution while the token is waited for. */
  abort(executionArn: string, token: string): Promise<void>;
  /** Fails the token that is waited for. */
  failToken(token: string, error: string): Promise<void>;
  /** Lets a time limit of the definition pass. */
  timeOut(seconds: number): Promise<void>;
}

export type OpenInterpreter = (functions: StateFunctions, clock: VirtualClock) => Promise<Interpreter>;

/** The definition as it is deployed, with the names of the functions in it. */
export function withNames(definition: string): string {
  return definition.replace(/\$\{(\w+)FunctionArn\}/g, (_, name: string) => name.toLowerCase());
}

/** The interpreter of the local system. */
export function ourInterpreter(definition: string): OpenInterpreter {
  return async (functions, clock) => {
    const random = new SeededRandom(2);
    const states = new LocalStates({
      clock,
      nonce: random.nonce,
      random: () => random.next(),
      stateMachineArn: STATE_MACHINE,
      definition: withNames(definition),
      functions: { ...functions },
    });
    const look = (name: string): Execution => {
      const record = states.records().find((one) => one.name === name);
      if (record === undefined) throw new Error(`there is no execution ${name}`);
      const { status, error = '', cause = '', history } = record;
      const entered = history.flatMap(({ type, state = '' }) =>
        type.endsWith('StateEntered') ? [state] : [],
      );
      return { status, error, cause, entered };
    };
    return {
      stateMachineArn: STATE_MACHINE,
      states,
      until: async (name, done) => {
        if (!(await clock.runUntil(() => done(look(name)), WEEK_MS)))
          throw new Error(`it does not come to it: ${JSON.stringify(look(name))}`);
        return look(name);
      },
      during: async (call) => {
        let isOver = false;
        const over = call.finally(() => {
          isOver = true;
        });
        over.catch(() => undefined); // Whoever waits for the call is told.
        await clock.runUntil(() => isOver, CALL_WITHIN_MS);
        await over;
      },
      abort: async (executionArn) => {
        await states.stopExecution({ executionArn });
      },
      failToken: async (token, error) => states.failTask(token, error, ''),
      timeOut: (seconds) => clock.advance(1000 * seconds),
    };
  };
}
