import { createHash } from 'node:crypto';
import type { TableFormat } from '../commands/table.ts';

/** Where everything lies in the bucket: the one place that knows a key. See docs/architecture.md. */

/** The only prefix that people write to, and the only trigger. */
export const MANIFEST_PREFIX = 'manifests/';
const INPUT_PREFIX = 'inputs/';
/** Under it a folder for each run. */
export const RUN_PREFIX = 'runs/';
export const CONTROL_PREFIX = 'control/';
/** Empty objects that say which runs are not closed, so that nobody lists a year's runs every minute. */
export const OPEN_PREFIX = `${CONTROL_PREFIX}open/`;
const REJECTED_PREFIX = 'rejected/';
const MAINTENANCE_PREFIX = 'maintenance/';

/** How far the search for manifests without a run has come. */
export const MANIFEST_SEARCH_KEY = `${CONTROL_PREFIX}manifest-search.json`;

/** True for a key that may start a run: `manifests/<any>.yaml|.yml|.json`. */
export function isManifestKey(key: string): boolean {
  return key.startsWith(MANIFEST_PREFIX) && /[^/]\.(yaml|yml|json)$/.test(key);
}

/** The page of runs. It lies beside `runs/`, so that its links are relative. */
export const RUNS_PAGE_KEY = 'runs.html';

/** Keys of one run. */
export function runKeys(runId: string) {
  const run = `${RUN_PREFIX}${runId}/`;
  return {
    folder: run,
    manifest: `${run}manifest.yaml`,
    warnings: `${run}warnings.txt`,
    plan: `${run}plan.json`,
    commands: `${run}commands.txt`,
    /** The parameters that commands were made from. */
    table: (format: TableFormat) => `${run}table.${format}`,
    status: `${run}status.json`,
    events: `${run}events/`,
    event: (eventId: string) => `${run}events/${eventId}.json`,
    owner: `${run}owner.json`,
    progress: `${run}progress.json`,
    joblog: `${run}joblog.tsv`,
    lastLines: `${run}last-lines.tsv`,
    nodes: `${run}nodes.json`,
    load: `${run}load.json`,
    versions: `${run}versions.json`,
    nodeLog: (index: number) => `${run}logs/nodes/${index}.log`,
    taskOutput: (seq: number, stream: 'out' | 'err') => `${run}logs/tasks/${seq}.${stream}`,
    /** What all tasks printed, and which tasks; `<attempt>-<node>`. */
    keptOutput: (attempt: string) => `${run}logs/stdout/${attempt}.tar.gz`,
    keptList: (attempt: string) => `${run}logs/stdout/${attempt}.jsonl`,
    outputs: `${run}outputs/`,
    outputIndex: `${run}outputs/index.json`,
    outputList: `${run}outputs.jsonl`,
    part: (name: string) => `${run}parts/${name}`,
    results: `${run}results.jsonl`,
    /** A row a task: parameters, and what became of it. */
    tasksCsv: `${run}tasks.csv`,
    tasksParquet: `${run}tasks.parquet`,
    summary: `${run}summary.json`,
    report: `${run}report.html`,
    control: `${CONTROL_PREFIX}${runId}.json`,
  } as const;
}

/**
 * Where the faults of a manifest that was not accepted are written. A key may have 1,024 bytes in S3, so of a very long
 * one the hash stands there.
 */
export function rejectionKeys(key: string, version: string) {
  const whole = `${REJECTED_PREFIX}${key}@${version}`;
  const hash = createHash('sha256').update(`${key}@${version}`).digest('hex');
  const base = Buffer.byteLength(whole) <= 1000 ? whole : `${REJECTED_PREFIX}${MANIFEST_PREFIX}${hash}`;
  return {
    text: `${base}.txt`,
    json: `${base}.json`,
    told: `${CONTROL_PREFIX}rejected/${hash}.json`,
  } as const;
}

/** What a job that salvages or cleans did: its last act is to write it. */
export function maintenanceKey(jobId: string): string {
  return `${MAINTENANCE_PREFIX}${jobId}.json`;
}

/** The list of commands or the table that lay beside a manifest and was sent with it. */
export function inputFileKey(sha256: string, extension: TableFormat | 'txt'): string {
  return `${INPUT_PREFIX}${sha256}.${extension}`;
}

/** The archive of a folder that was packed with a manifest. */
export function inputArchiveKey(sha256: string): string {
  return `${INPUT_PREFIX}${sha256}.tar.gz`;
}
