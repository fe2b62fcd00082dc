import { parsedJson } from '../../../experiment/util/parse-json.ts';
import type { RecordPort } from '../../support/hostile-ports.ts';
import type { Drop } from './cloud/workload.ts';
import { workload } from './cloud/workload.ts';
import type { World } from './cloud/world.ts';
import { BUCKET, makeWorld, STATE_MACHINE } from './cloud/world.ts';
import type { Strike } from './faults/faults.ts';
import type { Mutation } from './faults/mutants.ts';
import type { Violation } from './model/model.ts';
import { excuseOf, violations } from './model/model.ts';
import { wasCutOff } from './model/notification-model.ts';
import type { Seen } from './model/run-model.ts';

/** What one seed came to. */
export interface SeedResult {
  seed: number;
  violations: readonly Violation[];
  /** What happened, a line each. */
  trace: readonly string[];
  /** The faults that struck, in this order. */
  strikes: readonly Strike[];
  /** How often each thing happened, for what must happen sometimes over all seeds. */
  happened: ReadonlyMap<string, number>;
  /** Every event of ours that reached the bus, as JSON. */
  told: readonly string[];
  virtualHours: number;
  calls: number;
}

export interface SeedOptions {
  mutation?: Mutation | undefined;
  /** Only these faults of the seed strike. */
  keep?: ReadonlySet<Strike> | undefined;
  /** Sees every call that reaches the cloud. */
  record?: RecordPort | undefined;
  /** Tasks write over whatever the job role may, in every run's folder. */
  hasHostileTasks?: boolean | undefined;
}

const MINUTE_MS = 60_000;
/** How long faults go on, as the seed chooses. */
const HOSTILE_MS = [30 * MINUTE_MS, 90 * MINUTE_MS, 240 * MINUTE_MS];
/** After the last fault everything must come to its end in this time: three attempts of the longest job, and some. */
const HEALING_MS = 240 * MINUTE_MS;
/** And stay there. */
const REST_MS = 10 * MINUTE_MS;

/**
 * Runs one seed: people, faults and the real control plane for a bounded time, then no more faults until everything must
 * have ended. The same seed (with the same options) gives the same trace, byte by byte.
 */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const world = await makeWorld(seed, options);
  const { clock, faults, trace } = world;
  const startedAt = clock.now();
  const drops: Drop[] = [];
  const people = { isDone: false };
  void workload({ ...world, bucket: BUCKET, stateMachineArn: STATE_MACHINE }, drops).then(() => {
    people.isDone = true;
  });
  const isOver = () => people.isDone && hasEnded(world, drops);
  await clock.runUntil(isOver, world.random.pick(HOSTILE_MS));
  faults.heal();
  trace.add('no more faults');
  const healedAt = clock.now();
  const cameToRest = await clock.runUntil(isOver, HEALING_MS);
  await clock.advance(REST_MS);
  const seen = await look(world, drops, { startedAt, healedAt, cameToRest: cameToRest && isOver() });
  count(world, seen);
  return {
    seed,
    violations: violations(seen),
    trace: trace.lines,
    strikes: faults.strikesSoFar,
    happened: world.happened,
    told: world.tellings.flatMap(({ kind, detail }) => (kind === 'event' ? [detail] : [])),
    virtualHours: (clock.now() - startedAt) / (60 * MINUTE_MS),
    calls: world.lambda.calls,
  };
}

/** Every drop has been answered, nothing runs and nothing is open. */
function hasEnded({ index, localBatch, localStates, unheard }: World, drops: readonly Drop[]): boolean {
  const stands = (key: string) => {
    const current = index.current(key);
    return current !== undefined && current.deleted !== true;
  };
  return (
    localBatch.liveJobs().length === 0 &&
    localStates.records().every(({ status }) => status !== 'RUNNING') &&
    drops.every(
      ({ key, version, runId, deletedAt }) =>
        (deletedAt !== undefined && unheard.has(version)) ||
        stands(`rejected/${key}@${version}.json`) ||
        (stands(`control/${runId}.json`) && !stands(`control/open/${runId}`)),
    )
  );
}

async function look(
  world: World,
  drops: readonly Drop[],
  times: Pick<Seen, 'startedAt' | 'healedAt' | 'cameToRest'>,
): Promise<Seen> {
  const {
    index,
    bodies,
    clock,
    faults,
    localBatch,
    localStates,
    lambda,
    hurt,
    overwritten,
    owned,
    unheard,
    listedLateMs,
    tellings,
  } = world;
  const objects = new Map<string, string>();
  for (const key of index.keys('', '')) {
    const current = index.current(key);
    if (current === undefined || current.deleted === true) continue;
    const bytes = bodies.read(key, current.versionId, 0, current.size);
    objects.set(key, bytes instanceof Uint8Array ? Buffer.from(bytes).toString() : '');
  }
  return {
    ...times,
    drops,
    tellings,
    jobs: localBatch.allJobs(),
    executions: localStates.records(),
    owned,
    unheard,
    hurt,
    overwritten,
    jobsForgotten: faults.hasStruck('jobs-forgotten'),
    objects,
    now: clock.now(),
    functionsFailed: faults.hurtsFunctions(),
    anyFault: faults.strikesSoFar.length > 0,
    submissionsLate: (['submission-late', 'jobs-listed-late', 'jobs-forgotten'] as const).some((kind) =>
      faults.hasStruck(kind),
    ),
    listedLateMs,
    wholeSweeps: lambda.wholeSweeps,
    collects: lambda.collects,
    calls: lambda.calls,
  };
}

function count({ happened, faults }: World, seen: Seen): void {
  const { executions, objects, jobs, drops, tellings } = seen;
  const add = (what: string) => happened.set(what, (happened.get(what) ?? 0) + 1);
  for (const strike of faults.strikesSoFar) add(`fault ${strike.replace(/#.*/, '')}`);
  for (const { status } of executions) add(`execution ${status}`);
  for (const { kind, detail } of tellings)
    if (kind === 'event') add(`told ${/"state":"([a-z-]+)"/.exec(detail)?.[1]}`);
  if (new Set(tellings.map(({ kind, id }) => `${kind} ${id}`)).size < tellings.length) add('told twice');
  for (const drop of drops) {
    const { runId } = drop;
    const outcome = /"outcome": "([a-z-]+)"/.exec(objects.get(`runs/${runId}/summary.json`) ?? '')?.[1];
    if (outcome !== undefined) add(`outcome ${outcome}`);
    if (!objects.has(`runs/${runId}/report.html`) && wasCutOff(seen, runId)) add('cut off');
    if (jobs.filter(({ name }) => name === runId).length > 1) add('duplicate job');
    if (!jobs.some(({ name, status }) => name === runId && status === 'SUCCEEDED')) continue;
    add('job succeeded');
    const execution = executions.find(({ name }) => name === runId);
    if (outcome === 'succeeded' || execution === undefined) continue;
    const control = parsedJson(objects.get(`control/${runId}.json`));
    add(`excused ${excuseOf(seen, drop, execution, Object(control))}`);
  }
}
