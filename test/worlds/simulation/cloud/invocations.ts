import { EVENT_DETAIL_TYPE } from '../../../../experiment/notify/event-names.ts';
import { settleReason } from '../../../../experiment/run/settle-trigger.ts';
import type { Clock } from '../../../../experiment/util/clock.ts';
import { parsedJson } from '../../../../experiment/util/parse-json.ts';
import type { FunctionDeps } from '../../../../functions/deps.ts';
import type { LambdaFunction } from '../../../../functions/middleware.ts';
import type { SeededRandom } from '../../../../local/clock/seeded-random.ts';
import { hooked } from '../../../support/hostile-ports.ts';
import type { Faults } from '../faults/faults.ts';
import type { AnyCall } from '../faults/hostile-calls.ts';
import { awsError, crosses, networkError, repeats } from '../faults/hostile-calls.ts';
import type { Mutation } from '../faults/mutants.ts';
import type { Trace } from './trace.ts';

/** Lambda's limit of the functions, in milliseconds: shorter than the lease of a submission. */
const LIFE_MS = 60_000;
/** Of every call: so copies of a function cross each other at any point. */
const LATENCY_MS = [5, 60] as const;
/** A call that was under way when its function was killed has its effect within this time, if at all. */
const AFTER_DEATH_MS = 10_000;
/** Longer than any lease: then there are two jobs, and the fence is all that keeps them apart. */
const LATE_SUBMISSION_MS = 300_000;

export interface LambdaSettings {
  deps: FunctionDeps;
  clock: Clock;
  faults: Faults;
  /** Chance of everyday delays. */
  network: SeededRandom;
  trace: Trace;
  /** Lies between the functions and the hostile cloud: it sees every answer that they would see. */
  mutation: Mutation;
  /** Every message that reached EventBridge or SNS, in this order. */
  tellings: Telling[];
}

/** One copy of a message, and whether its sender met a fault: then it could not know or not note that it was sent. */
export interface Telling {
  kind: 'event' | 'mail';
  id: string;
  /** The event's, as JSON. */
  detail: string;
  at: number;
  sender: { isTroubled: boolean };
}

/** The function was killed between two calls, as Lambda kills one that takes too long or whose host is lost. */
class FunctionKilled extends Error {
  override readonly name = 'Sandbox.Timedout';
}

/** Runs the real functions, each invocation with ports of its own that hurt its calls and may kill it. */
export class SimulatedLambda {
  calls = 0;
  invocations = 0;
  /** Looks at every run that came to their end with no fault in them, in milliseconds since the epoch. */
  readonly wholeSweeps: { beganAt: number; endedAt: number }[] = [];
  /** Tries to collect each run's present outcome, as its record counts them, and whether a fault met who made them. */
  readonly collects = new Map<string, { tries: number; by: Telling['sender'] }[]>();
  readonly #settings: LambdaSettings;

  constructor(settings: LambdaSettings) {
    this.#settings = settings;
  }

  /** One invocation; now and then a second copy of it runs beside, whose answer nobody waits for. */
  async invoke<Output>(
    name: string,
    make: (deps: FunctionDeps) => LambdaFunction<Output>,
    event: unknown,
  ): Promise<Output> {
    if (this.#settings.faults.strikes('function-doubled'))
      this.#run(name, make, structuredClone(event)).catch(() => undefined); // It is in the trace.
    return this.#run(name, make, event);
  }

  async #run<Output>(
    name: string,
    make: (deps: FunctionDeps) => LambdaFunction<Output>,
    event: unknown,
  ): Promise<Output> {
    const { deps, clock, trace, mutation } = this.#settings;
    this.invocations += 1;
    const life: Life = {
      id: `${name}#${this.invocations}`,
      isOver: false,
      isTroubled: false,
      startedAt: clock.now(),
      end: Promise.withResolvers<never>(),
    };
    const around = (call: AnyCall, go: Go) => this.#call(go, life, call);
    const [s3, batch, states, events, mail] = [
      hooked(deps.s3, around),
      hooked(deps.batch, around),
      hooked(deps.states, around),
      hooked(deps.events, around),
      hooked(deps.mail, around),
    ];
    const run = make({
      ...deps,
      s3: mutation.s3?.(s3) ?? s3,
      batch: mutation.batch?.(batch) ?? batch,
      states: mutation.states?.(states) ?? states,
      events: mutation.events?.(events) ?? events,
      mail: mutation.mail?.(mail) ?? mail,
      clock: {
        now: () => clock.now(),
        sleep: async (ms, signal) => {
          await clock.sleep(ms, signal);
          if (life.isOver) await never();
        },
      },
    });
    trace.add(`${life.id} begins`);
    try {
      const output = await Promise.race([run(event), life.end.promise]);
      trace.add(`${life.id} ends`);
      if (!life.isTroubled && settleReason(event).kind === 'everything')
        this.wholeSweeps.push({ beganAt: life.startedAt, endedAt: clock.now() });
      return output;
    } catch (error) {
      trace.add(`${life.id} fails`, {
        error: error instanceof Error ? `${error.name}: ${error.message}` : error,
      });
      throw error;
    } finally {
      life.isOver = true;
      life.end.promise.catch(() => undefined); // Nobody waits for the kill of a function that came to its end.
    }
  }

  async #call(go: Go, life: Life, call: AnyCall): Promise<unknown> {
    const { clock, faults, network, trace } = this.#settings;
    const { name } = call;
    if (life.isOver) return never();
    if (faults.strikes('function-killed') || clock.now() - life.startedAt > LIFE_MS)
      return this.#kill(go, life, call);
    await clock.sleep(network.between(...LATENCY_MS));
    if (faults.strikes('call-slow')) await clock.sleep(faults.between('call-slow', 1000, 25_000));
    if (life.isOver) return never();
    this.calls += 1;
    const refuse = (what: string, error: Error) => {
      life.isTroubled = true;
      trace.add(`${life.id} ${name} ${what}`);
      throw error;
    };
    if (faults.strikes('call-throttled')) refuse('throttled', awsError('ThrottlingException', 429));
    if (faults.strikes('call-failed')) refuse('failed', failureOf(name));
    if (name === 'submitJob' && faults.strikes('submit-refused'))
      refuse('refused', awsError('ClientException', 400));
    if (name === 'submitJob' && faults.strikes('submission-late')) {
      this.#performLater(go, life, call, faults.between('submission-late', 0, LATE_SUBMISSION_MS));
      refuse('answer lost', networkError());
    }
    if (crosses(call, faults)) refuse('crossed', awsError('ConditionalRequestConflict', 409));
    let output = await this.#perform(go, life.id, call, life);
    if (repeats(call, faults))
      output = await this.#perform(go, `${life.id} again`, call, { isTroubled: true });
    if (life.isOver) return never();
    if (faults.strikes('function-killed')) return this.#kill(go, life, undefined);
    if (faults.strikes('answer-lost'))
      refuse('answer lost', faults.between('answer-lost', 0, 1) === 0 ? failureOf(name) : networkError());
    return output;
  }

  /** What it was calling may still reach AWS a little later. */
  #kill(go: Go, life: Life, call: AnyCall | undefined): Promise<never> {
    const { faults, trace } = this.#settings;
    trace.add(`${life.id} is killed`);
    life.isOver = true;
    life.isTroubled = true;
    life.end.reject(new FunctionKilled('the function was killed'));
    if (call !== undefined && faults.strikes('effect-after-death'))
      this.#performLater(go, life, call, faults.between('effect-after-death', 0, AFTER_DEATH_MS));
    return never();
  }

  #performLater(go: Go, { id }: Life, call: AnyCall, ms: number): void {
    void this.#settings.clock
      .sleep(ms)
      .then(() => this.#perform(go, `${id} (late)`, call, { isTroubled: true }))
      .catch(() => undefined); // Its answer reaches nobody.
  }

  #noteCollects(call: AnyCall, by: Telling['sender']): void {
    if (call.name !== 'putObject' || !/^control\/[^/]+\.json$/.test(call.input.Key ?? '')) return;
    const { runId, collects } = Object(parsedJson(String(call.input.Body)));
    const before = this.collects.get(runId) ?? [];
    if (collects === undefined) this.collects.delete(runId);
    else if (collects.tries !== before.at(-1)?.tries)
      this.collects.set(runId, [...before, { tries: collects.tries, by }]);
  }

  async #perform(go: Go, who: string, call: AnyCall, sender: Telling['sender']): Promise<unknown> {
    const { trace, tellings, clock } = this.#settings;
    const what = `${who} ${call.name} ${subjectOf(call)}`;
    try {
      const output = await go();
      trace.add(what);
      this.#noteCollects(call, sender);
      tellings.push(...messagesIn(call).map((message) => ({ ...message, at: clock.now(), sender })));
      return output;
    } catch (error) {
      trace.add(what, { error: error instanceof Error ? error.name : error });
      throw error;
    }
  }
}

/** Does the call. */
type Go = () => Promise<unknown>;

interface Life {
  id: string;
  isOver: boolean;
  isTroubled: boolean;
  startedAt: number;
  end: PromiseWithResolvers<never>;
}

/** What a call tells people. */
function messagesIn(call: AnyCall): Pick<Telling, 'kind' | 'id' | 'detail'>[] {
  if (call.name === 'publish') {
    const id = call.input.MessageAttributes?.id?.StringValue ?? '';
    return [{ kind: 'mail', id, detail: '' }];
  }
  if (call.name !== 'putEvents') return [];
  return (call.input.Entries ?? []).flatMap(({ DetailType, Detail = '{}' }) => {
    if (DetailType !== EVENT_DETAIL_TYPE) return [];
    const { id } = JSON.parse(Detail);
    return [{ kind: 'event', id: String(id), detail: Detail }];
  });
}

/** What a call is about, by the first of these fields that it has. */
const SUBJECTS = [
  'Key',
  'Prefix',
  'jobName',
  'jobId',
  'jobs',
  'name',
  'executionArn',
  'jobStatus',
  'filters',
];

function subjectOf({ input }: AnyCall): string {
  const field = SUBJECTS.find((name) => name in input);
  return field === undefined ? '' : JSON.stringify(Reflect.get(input, field));
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** S3 has a name of its own for it. */
function failureOf(method: string): Error {
  return awsError(method.includes('Object') ? 'InternalError' : 'InternalServerError', 500);
}
