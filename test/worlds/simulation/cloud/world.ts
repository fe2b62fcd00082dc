import { readFileSync } from 'node:fs';
import type { JobDetail } from '@aws-sdk/client-batch';
import type { Deployment } from '../../../../experiment/deployment/deployment.ts';
import { makeCollect } from '../../../../functions/collect/collect.ts';
import type { FunctionDeps } from '../../../../functions/deps.ts';
import { makeIngest } from '../../../../functions/ingest/ingest.ts';
import { makeSettle } from '../../../../functions/settle/settle.ts';
import { makeSubmit } from '../../../../functions/submit/submit.ts';
import { LocalBatch } from '../../../../local/aws/batch/batch.ts';
import { EventBus } from '../../../../local/aws/events/bus.ts';
import { addRules } from '../../../../local/aws/events/rules.ts';
import {
  jobStateChangeEvent,
  LOCAL_ACCOUNT,
  LOCAL_REGION,
  objectCreatedEvent,
  scheduledEvent,
} from '../../../../local/aws/events/services.ts';
import { localEventBridge } from '../../../../local/aws/notify/event-bridge.ts';
import { localMail } from '../../../../local/aws/notify/mail.ts';
import { memoryBodies } from '../../../../local/aws/s3/memory-bodies.ts';
import { ObjectIndex } from '../../../../local/aws/s3/object-index.ts';
import { LocalS3 } from '../../../../local/aws/s3/s3.ts';
import { LocalStates } from '../../../../local/aws/states/states.ts';
import { statusChangeEvent } from '../../../../local/aws/states/status-change-event.ts';
import { SeededRandom } from '../../../../local/clock/seeded-random.ts';
import { VirtualClock } from '../../../../local/clock/virtual.ts';
import { multinodeDefinition, queuesOf } from '../../../../local/system/deployment.ts';
import type { RecordPort } from '../../../support/hostile-ports.ts';
import { hurtExecutions } from '../faults/failing-executions.ts';
import type { Strike } from '../faults/faults.ts';
import { Faults } from '../faults/faults.ts';
import { nodeS3 } from '../faults/hostile-calls.ts';
import type { Mutation } from '../faults/mutants.ts';
import { hostileTasks } from './hostile-tasks.ts';
import type { Telling } from './invocations.ts';
import { SimulatedLambda } from './invocations.ts';
import { simulatedNodes } from './simulated-nodes.ts';
import { Trace } from './trace.ts';

export const BUCKET = 'simulated-bucket';
export const STATE_MACHINE = `arn:aws:states:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stateMachine:simulated`;
const QUEUE = {
  name: 'queue',
  arn: `arn:aws:batch:${LOCAL_REGION}:${LOCAL_ACCOUNT}:job-queue/queue`,
  maxvCpus: 64,
  fairShare: true,
};
const START_MS = Date.UTC(2030, 0, 1);
const SCHEDULE_MS = 60_000;
/** On a machine that is there already, and on one that has to boot. */
const STARTING_MS = [2000, 30_000];

/** A job that passed the fence: it may run the experiment. */
interface Owned {
  runId: string;
  jobId: string;
  attempt: number;
}

/** Everything that a seed makes: time, chance, a cloud and the real control plane in it. */
export type World = Awaited<ReturnType<typeof makeWorld>>;

export async function makeWorld(
  seed: number,
  options: {
    mutation?: Mutation | undefined;
    keep?: ReadonlySet<Strike> | undefined;
    record?: RecordPort | undefined;
    hasHostileTasks?: boolean | undefined;
  } = {},
) {
  const { mutation = {}, record = (_, port) => port } = options;
  const clock = new VirtualClock(START_MS);
  // A source of chance for each part: a fault that is left out moves nothing but what follows from it.
  const random = SeededRandom.of(seed, 'people');
  const nonces = SeededRandom.of(seed, 'nonces');
  const network = SeededRandom.of(seed, 'network');
  /** How far workers start behind main: 42 s in the run that was recorded. */
  const behind = SeededRandom.of(seed, 'workers');
  const trace = new Trace(clock);
  const faults = new Faults(seed, options.keep);
  const owned: Owned[] = [];
  /** Versions of manifests whose event was lost for good. */
  const unheard = new Set<string>();
  /** Runs whose execution the simulated cloud ended by itself. */
  const hurt = new Map<string, number>();
  /** Keys that hostile tasks wrote. */
  const overwritten = new Set<string>();
  const tokens = new Map<string, string>();
  /** How often each thing happened, for what must happen sometimes over all seeds. */
  const happened = new Map<string, number>();
  const count = (what: string) => happened.set(what, (happened.get(what) ?? 0) + 1);

  const bus = new EventBus({
    clock,
    deliveries: (event) => {
      if (event.source === 'aws.states' && faults.strikes('execution-event-lost')) return [];
      if (event.source === 'aws.s3' && faults.strikes('manifest-event-lost')) {
        unheard.add(String(Object(event.detail.object)['version-id']));
        return [];
      }
      if (event.source === 'aws.batch' && faults.strikes('event-lost')) return [];
      const late = faults.strikes('event-late') ? faults.between('event-late', 0, 300_000) : 0;
      const first = late + network.between(0, 800);
      if (!faults.strikes('event-doubled')) return [first];
      return [
        first,
        first + faults.between('event-doubled', 0, 1) * faults.between('event-doubled', 0, 120_000),
      ];
    },
    // Whatever lands in a dead-letter queue is sent again by its operator.
    maxTries: Number.POSITIVE_INFINITY,
  });
  const bodies = memoryBodies();
  const index = new ObjectIndex();
  const s3 = record(
    'S3',
    new LocalS3({
      bucket: BUCKET,
      bodies,
      index,
      clock,
      nonce: nonces.nonce,
      missing: random.pick(['NoSuchKey', 'AccessDenied']),
      keepNoncurrent: 2,
      onCreated: (object) => bus.putEvent(objectCreatedEvent(object, nonces.nonce())),
    }),
  );
  const listedLateMs = faults.lasts('jobs-listed-late')
    ? faults.between('jobs-listed-late', 1000, 90_000)
    : 0;
  const forgottenAfterMs = faults.lasts('jobs-forgotten')
    ? faults.between('jobs-forgotten', 1000, 600_000)
    : Number.POSITIVE_INFINITY;
  const localBatch = new LocalBatch({
    clock,
    nonce: nonces.nonce,
    region: LOCAL_REGION,
    account: LOCAL_ACCOUNT,
    queues: [QUEUE],
    delays: { pending: 1000, starting: random.pick(STARTING_MS), child: () => behind.between(500, 60_000) },
    listAfterMs: listedLateMs,
    describeForMs: forgottenAfterMs,
    capacityHook: () =>
      faults.strikes('no-capacity')
        ? {
            reason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - simulated',
            until: clock.sleep(faults.between('no-capacity', 60_000, 70 * 60_000)),
          }
        : undefined,
    startNode: simulatedNodes({
      s3: nodeS3(mutation.nodeS3?.(s3) ?? s3, faults),
      clock,
      random: SeededRandom.of(seed, 'nodes'),
      faults,
      trace,
      bucket: BUCKET,
      onOwned: (one) => {
        owned.push(one);
        trace.add('owned', { ...one });
      },
      onFenced: () => count('fenced'),
    }),
    onStateChange: (detail: JobDetail) => {
      trace.add('job', { id: detail.jobId, status: detail.status, reason: detail.statusReason });
      bus.putEvent(jobStateChangeEvent(detail, nonces.nonce(), clock.now()));
    },
  });
  const { jobDefinitionArn: jobDefinition = '' } = await localBatch.registerJobDefinition(
    multinodeDefinition('simulated', { image: 'simulated' }),
  );
  const deployment: Deployment = {
    bucket: BUCKET,
    stateMachineArn: STATE_MACHINE,
    jobDefinition,
    queues: queuesOf(QUEUE),
    defaultQueue: QUEUE.name,
    inputBuckets: [],
    defaults: { vcpus: 2, memoryMiB: 1024 },
    sharedFolder: '/mnt/efs',
    joinPort: 7741,
    sshPort: 22,
    topicArn: `arn:aws:sns:${LOCAL_REGION}:${LOCAL_ACCOUNT}:simulated`,
  };
  const localStates = new LocalStates({
    clock,
    nonce: nonces.nonce,
    random: () => network.next(),
    stateMachineArn: STATE_MACHINE,
    definition: DEFINITION,
    substitutions: {
      SubmitFunctionArn: 'submit',
      SettleFunctionArn: 'settle',
      CollectFunctionArn: 'collect',
    },
    functions: {
      submit: (payload) => {
        const { runId, token } = taskOf(payload);
        tokens.set(runId, token);
        return lambda.invoke('submit', makeSubmit, payload);
      },
      settle: (payload) => lambda.invoke('settle', makeSettle, payload),
      collect: (payload) => lambda.invoke('collect', makeCollect, payload),
    },
    onStatus: (execution) => {
      trace.add('execution', { name: execution.name, status: execution.status, error: execution.error });
      bus.putEvent(statusChangeEvent(execution, nonces.nonce(), clock.now()));
    },
  });
  const states = record('SFN', localStates);
  const batch = record('Batch', localBatch);
  const log = (event: string, fields: Record<string, unknown>) => {
    count(typeof fields.do === 'string' ? `${event}:${fields.do}` : event);
    if (typeof fields.stop === 'object' && fields.stop !== null)
      count(`stop ${String(Reflect.get(fields.stop, 'because'))}`);
    if (event === 'Job:Refused') count('stop submit-refused');
    trace.add(event, fields);
  };
  const tellings: Telling[] = [];
  const events = record(
    'EventBridge',
    localEventBridge({
      account: LOCAL_ACCOUNT,
      region: LOCAL_REGION,
      nonce: nonces.nonce,
      now: () => clock.now(),
      put: (event) => bus.putEvent(event),
    }),
  );
  const mail = record(
    'SNS',
    localMail(nonces.nonce, () => undefined),
  );
  const deps: FunctionDeps = {
    s3,
    batch,
    states,
    events,
    mail,
    clock,
    nonce: nonces.nonce,
    deployment,
    logger: { info: log, warn: log, error: log },
    metrics: { count: () => undefined, measure: () => undefined },
  };
  const lambda = new SimulatedLambda({ deps, clock, faults, network, trace, mutation, tellings });
  const settle = (event: unknown) => lambda.invoke('settle', makeSettle, event);
  addRules(bus, deployment, {
    ingest: (event) => lambda.invoke('ingest', makeIngest, event),
    settle,
  });
  if (mutation.hasNoSchedule !== true)
    bus.addSchedule(
      'settle',
      SCHEDULE_MS,
      () => scheduledEvent('settle', nonces.nonce(), clock.now()),
      settle,
    );
  if (options.hasHostileTasks === true)
    void hostileTasks({
      s3,
      clock,
      random: SeededRandom.of(seed, 'tasks'),
      localBatch,
      trace,
      bucket: BUCKET,
      onWritten: (key) => overwritten.add(key),
    });
  void hurtExecutions({ clock, faults, localStates, tokens, hurt });

  trace.add('faults', { on: faults.describe() });
  return {
    clock,
    random,
    trace,
    faults,
    bus,
    owned,
    unheard,
    hurt,
    overwritten,
    listedLateMs,
    tellings,
    happened,
    s3,
    index,
    bodies,
    localBatch,
    localStates,
    states,
    lambda,
  };
}

function taskOf(payload: unknown): { runId: string; token: string } {
  const fields = typeof payload === 'object' && payload !== null ? payload : {};
  return { runId: String(Reflect.get(fields, 'runId')), token: String(Reflect.get(fields, 'token')) };
}

const DEFINITION = readFileSync(
  new URL('../../../../statemachine/experiment.asl.json', import.meta.url),
  'utf8',
);
