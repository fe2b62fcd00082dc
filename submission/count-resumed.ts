import type { Bucket } from '../aws/bucket.ts';
import { commandsIn } from '../experiment/commands/lines.ts';
import { TaskIndex } from '../experiment/commands/task-index.ts';
import { runKeys } from '../experiment/layout/bucket-keys.ts';
import { parseS3Url } from '../experiment/layout/s3-url.ts';
import type { Manifest } from '../experiment/manifest/parse.ts';
import { commandFileOf, commandsOf, resumedRun } from '../experiment/manifest/parse.ts';
import { parsePlan } from '../experiment/plan/plan.ts';
import { MAX_OUTPUT_INDEX_BYTES, parseOutputIndex } from '../experiment/records/outputs.ts';
import { parseStatus } from '../experiment/records/status.ts';
import type { JoblogRow } from '../experiment/results/joblog.ts';
import { streamedRows, succeeded } from '../experiment/results/joblog.ts';
import type { Version, VersionParts } from '../experiment/results/versions.ts';
import {
  differenceSpoken,
  MAX_VERSIONS_BYTES,
  parseVersions,
  versionAt,
  versionId,
} from '../experiment/results/versions.ts';
import { boundedLines } from '../experiment/text/bounded-lines.ts';
import { counted, grouped, nodeHoursSpoken } from '../experiment/text/numbers.ts';

/** What going on with a run comes to, counted beforehand from what it left in the bucket. */
export interface ResumeCount {
  known: number;
  toRun: number;
  /** Of the known ones. */
  byOtherVersions: number;
  /** What is other now: `inputs and environment`. */
  differs: string;
  /** Of the known tasks; undefined where there is none. */
  slowestSeconds: number | undefined;
  /** Nothing that only the nodes can know (their image, what a prefix holds) may make more of it. */
  isCertain: boolean;
  /** It succeeded, and what is named under `outputs` has arrived. */
  isSent: boolean;
}

const ARCHIVE = /^inputs\/([0-9a-f]{64})\.tar\.gz$/;
/** A command has at most 128 KiB, and its row some numbers. */
const LONGEST_LINE = 256 * 1024;

/**
 * Counts what is known of a manifest's tasks in the run that it goes on with. Tasks can write all that is read here: it may
 * make a run smaller, never other. Undefined where it goes on with none, or where its tasks are known on the nodes only.
 * @param manifest as it is dropped, its inputs packed
 */
export async function countResumed(bucket: Bucket, manifest: Manifest): Promise<ResumeCount | undefined> {
  const resumed = resumedRun(manifest);
  const list = await listOf(bucket, manifest);
  if (resumed === undefined || list === undefined) return undefined;
  const keys = runKeys(resumed.run);
  const index = await TaskIndex.of(list, linesOf(await bucket.stream(keys.commands)));
  const stored = await bucket.readUntrusted(keys.versions, { maxBytes: MAX_VERSIONS_BYTES });
  const versions = parseVersions(stored?.text) ?? [];
  const last = versions.at(-1);
  const parts = partsOf(manifest, last);
  const id = versionId(parts);
  const onlySame = resumed.keep === 'same';
  const stateOf = (row: JoblogRow) => {
    const isSame = versionAt(versions, row.startTime)?.id === id;
    if (onlySame && !isSame) return undefined;
    return !succeeded(row) ? State.toRun : isSame || last === undefined ? State.same : State.other;
  };
  const isPacked = (manifest.inputs ?? []).every(({ from }) => ARCHIVE.test(from));
  return {
    ...(await tally(index, streamedRows(await bucket.stream(keys.joblog)), stateOf)),
    differs: last === undefined ? '' : differenceSpoken(last, parts),
    isCertain: !onlySame || (last?.image === null && isPacked),
    isSent: await isSent(bucket, resumed.run, manifest),
  };
}

type State = (typeof State)[keyof typeof State];

/** The last row of a task counts. */
async function tally(
  index: TaskIndex,
  rows: AsyncIterable<JoblogRow>,
  stateOf: (row: JoblogRow) => State | undefined,
): Promise<Pick<ResumeCount, 'known' | 'toRun' | 'byOtherVersions' | 'slowestSeconds'>> {
  const states = new Uint8Array(index.total + 1);
  let slowestSeconds: number | undefined;
  for await (const row of rows) {
    const seq = index.seqOf(row);
    const state = stateOf(row);
    if (seq === undefined || state === undefined) continue;
    states[seq] = state;
    if (state !== State.toRun) slowestSeconds = Math.max(slowestSeconds ?? 0, row.runtime);
  }
  const counts = [0, 0, 0];
  for (const state of states.subarray(1)) counts[state] = (counts[state] ?? 0) + 1;
  const [toRun = 0, same = 0, byOtherVersions = 0] = counts;
  return { known: same + byOtherVersions, toRun, byOtherVersions, slowestSeconds };
}

/** What is known of each task. */
const State = { toRun: 0, same: 1, other: 2 } as const;

/** `about 2,700 known, 300 to run, ≤ 0.4 node-hours` @param slots of all nodes together */
export function countSpoken(count: ResumeCount, { nodes, slots, runSeconds }: ResumeSize): string {
  const { known, toRun, byOtherVersions, differs, slowestSeconds } = count;
  // As many waves of tasks as slow as the slowest that is known; the run's own limit ends it before.
  const seconds = Math.min(runSeconds, Math.ceil(toRun / slots) * (slowestSeconds ?? runSeconds));
  const others =
    byOtherVersions === 0
      ? ''
      : `; ${grouped(byOtherVersions)} of the known were made with other ${differs === '' ? 'versions' : differs} (\`resume: {run: …, keep: same}\` runs them again)`;
  return `about ${grouped(known)} known, ${grouped(toRun)} to run, ≤ ${nodeHoursSpoken((nodes * seconds) / 3600)}${others}`;
}

export interface ResumeSize {
  nodes: number;
  /** Of all nodes. */
  slots: number;
  /** `timeouts.run` */
  runSeconds: number;
}

/** `Nothing was started: 3,000 tasks of sweep-… succeeded, …` */
export function nothingSpoken(run: string, { known }: ResumeCount): string {
  return `Nothing was started: ${counted(known, 'task')} of ${run} succeeded, nothing is left to run, and what \`outputs\` names has arrived.`;
}

/** What would make results now; what only the nodes can know is taken as it was last. */
function partsOf({ inputs = [], environment = {} }: Manifest, last: Version | undefined): VersionParts {
  return {
    inputs: inputs.map(({ from, to }, index) => {
      const before = last?.inputs[index];
      const sent = ARCHIVE.exec(from)?.[1];
      return { to, sha256: sent ?? (before?.to === to ? before.sha256 : '') };
    }),
    image: last?.image ?? null,
    environment: Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, String(value)]),
    ),
  };
}

/** The tasks, one a line. */
async function listOf(
  bucket: Bucket,
  manifest: Manifest,
): Promise<Iterable<string> | AsyncIterable<string> | undefined> {
  const own = commandsOf(manifest);
  if (own !== undefined) return own.lines;
  const file = commandFileOf(manifest);
  const place = parseS3Url(file?.path ?? '');
  if (file === undefined || place?.bucket !== bucket.name) return undefined;
  const stream = await bucket.stream(place.key);
  return stream && linesOf(commandsIn(stream, file.source()));
}

function linesOf(stream: AsyncIterable<Uint8Array> | undefined): AsyncIterable<string> {
  return boundedLines(stream, { most: LONGEST_LINE, whole: false });
}

async function isSent(bucket: Bucket, run: string, manifest: Manifest): Promise<boolean> {
  const keys = runKeys(run);
  const [status, plan, index] = await Promise.all([
    bucket.readUntrusted(keys.status),
    bucket.readUntrusted(keys.plan),
    bucket.readUntrusted(keys.outputIndex, { maxBytes: MAX_OUTPUT_INDEX_BYTES }),
  ]);
  if (parseStatus(status?.text)?.state !== 'succeeded') return false;
  const outputs = (manifest.outputs ?? []).map((one) => (typeof one === 'string' ? { path: one } : one));
  const paths = outputs.map(({ path }) => path);
  const before = parsePlan(plan?.text);
  if (JSON.stringify(before?.outputs ?? []) !== JSON.stringify(paths)) return false;
  if (before?.finally !== manifest.run.finally) return false;
  const { missing, unsent = 0 } = parseOutputIndex(index?.text) ?? { missing: paths };
  const mayMiss = (path: string) => outputs.some((one) => one.path === path && one.optional === true);
  return unsent === 0 && missing.every(mayMiss);
}
