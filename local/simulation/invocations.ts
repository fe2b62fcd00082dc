import { Readable } from 'node:stream';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Clock } from '../../experiment/clock.ts';
import type { FunctionDeps } from '../../functions/function-deps.ts';
import type { LambdaFunction } from '../../functions/middleware.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { Faults } from './faults.ts';
import type { Trace } from './trace.ts';

/** Lambda's limit of the functions, in milliseconds: shorter than the lease of a submission. */
const LIFE_MS = 60_000;

export interface LambdaSettings {
  deps: FunctionDeps;
  clock: Clock;
  random: SeededRandom;
  faults: Faults;
  trace: Trace;
}

/** The function was killed between two calls, as Lambda kills one that takes too long or whose host is lost. */
class FunctionKilled extends Error {
  override readonly name = 'Sandbox.Timedout';
}

/** Runs the real functions, each invocation with ports of its own that hurt its calls and may kill it. */
export class SimulatedLambda {
  calls = 0;
  readonly #settings: LambdaSettings;
  #invocations = 0;

  constructor(settings: LambdaSettings) {
    this.#settings = settings;
  }

  async invoke<Output>(
    name: string,
    make: (deps: FunctionDeps) => LambdaFunction<Output>,
    event: unknown,
  ): Promise<Output> {
    const { deps, clock, trace } = this.#settings;
    this.#invocations += 1;
    const id = `${name}#${this.#invocations}`;
    const life = { isOver: false, startedAt: clock.now(), end: Promise.withResolvers<never>() };
    const around = <Port extends { send(command: never): Promise<unknown> }>(port: Port) =>
      this.#hurt(port, id, life);
    const run = make({
      ...deps,
      s3: around(deps.s3),
      batch: around(deps.batch),
      states: around(deps.states),
      clock: {
        now: () => clock.now(),
        sleep: async (ms, signal) => {
          await clock.sleep(ms, signal);
          if (life.isOver) await never();
        },
      },
    });
    trace.add(`${id} begins`);
    try {
      const output = await Promise.race([run(event), life.end.promise]);
      trace.add(`${id} ends`);
      return output;
    } catch (error) {
      trace.add(`${id} fails`, { error: error instanceof Error ? `${error.name}: ${error.message}` : error });
      throw error;
    } finally {
      life.isOver = true;
      life.end.promise.catch(() => undefined); // Nobody waits for the kill of a function that came to its end.
    }
  }

  #hurt<Port extends { send(command: never): Promise<unknown> }>(port: Port, id: string, life: Life): Port {
    const send = (command: SentCommand) => this.#call(port, id, life, command);
    return new Proxy(port, {
      get: (target, property) => (property === 'send' ? send : Reflect.get(target, property, target)),
    });
  }

  async #call(
    port: { send(command: never): Promise<unknown> },
    id: string,
    life: Life,
    command: SentCommand,
  ): Promise<unknown> {
    const { clock, random, faults, trace } = this.#settings;
    const name = command.constructor.name.replace(/Command$/, '');
    if (life.isOver) return never();
    const kill = () => {
      trace.add(`${id} is killed`);
      life.isOver = true;
      life.end.reject(new FunctionKilled('the function was killed'));
      return never();
    };
    if (faults.strikes('function-killed') || clock.now() - life.startedAt > LIFE_MS) return kill();
    if (faults.strikes('call-slow')) await clock.sleep(random.between(1000, 25_000));
    if (life.isOver) return never();
    this.calls += 1;
    const refuse = (what: string, error: Error) => {
      trace.add(`${id} ${name} ${what}`);
      throw error;
    };
    if (faults.strikes('call-throttled')) refuse('throttled', awsError('ThrottlingException', 429));
    if (faults.strikes('call-failed')) refuse('failed', awsError('InternalServerError', 500));
    const conditional =
      command instanceof PutObjectCommand &&
      (command.input.IfMatch ?? command.input.IfNoneMatch) !== undefined;
    if (conditional && faults.strikes('write-conflict'))
      refuse('crossed', awsError('ConditionalRequestConflict', 409));
    let output = await this.#perform(port, id, name, command);
    // The SDK repeats a call whose answer was lost, all but SubmitJob's; the second answer is what the caller sees.
    const streams = command instanceof PutObjectCommand && command.input.Body instanceof Readable;
    if (name !== 'SubmitJob' && !streams && faults.strikes('sdk-retried'))
      output = await this.#perform(port, id, `${name} again`, command);
    if (faults.strikes('function-killed')) return kill();
    if (faults.strikes('answer-lost')) refuse('answer lost', awsError('InternalServerError', 500));
    return output;
  }

  async #perform(
    port: { send(command: never): Promise<unknown> },
    id: string,
    name: string,
    command: SentCommand,
  ): Promise<unknown> {
    const { trace } = this.#settings;
    const what = `${id} ${name} ${subjectOf(command)}`;
    try {
      const output: unknown = await Reflect.apply(port.send, port, [command]);
      trace.add(what);
      return output;
    } catch (error) {
      trace.add(what, { error: error instanceof Error ? error.name : error });
      throw error;
    }
  }
}

interface Life {
  isOver: boolean;
  startedAt: number;
  end: PromiseWithResolvers<never>;
}

interface SentCommand {
  constructor: { name: string };
  input?: unknown;
}

/** What the SDK throws of a call that AWS did not serve. */
function awsError(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(`simulated ${name}`), { name, $metadata: { httpStatusCode } });
}

function subjectOf({ input }: SentCommand): string {
  if (typeof input !== 'object' || input === null) return '';
  for (const field of [
    'Key',
    'Prefix',
    'jobName',
    'jobId',
    'jobs',
    'name',
    'executionArn',
    'jobStatus',
    'filters',
  ])
    if (field in input) return JSON.stringify(Reflect.get(input, field));
  return '';
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
