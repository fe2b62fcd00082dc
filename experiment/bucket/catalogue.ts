import type * as z from 'zod';
import { MAX_PLAN_BYTES } from '../plan/plan.ts';
import { controlRecord, toldRecord } from '../records/control.ts';
import { loadRecord, MAX_LOAD_BYTES } from '../records/load.ts';
import { MAX_MAINTENANCE_BYTES, maintenanceRecord } from '../records/maintenance.ts';
import { MAX_NODES_BYTES, nodesRecord } from '../records/nodes.ts';
import { eventRecord, MAX_EVENT_BYTES } from '../records/observed-event.ts';
import { MAX_OUTPUT_INDEX_BYTES, outputIndexRecord } from '../records/outputs.ts';
import { MAX_OWNER_BYTES, ownerRecord } from '../records/owner.ts';
import { MAX_PROGRESS_BYTES, progressRecord } from '../records/progress.ts';
import { MAX_STATUS_BYTES, statusRecord } from '../records/status.ts';
import { MAX_SUMMARY_BYTES, summaryRecord } from '../records/summary.ts';
import { MAX_LAST_LINES_BYTES } from '../results/last-lines.ts';
import { MAX_RESULTS_BYTES } from '../results/result-fields.ts';
import { MAX_VERSIONS_BYTES, versionsRecord } from '../results/versions.ts';
import { manifestSearchRecord } from '../run/search-manifests.ts';

type Writer = 'people' | 'functions' | 'nodes' | 'maintenance jobs';

/** One kind of object in the bucket. */
export interface BucketRecord {
  /** With `<…>` for what differs. */
  key: string;
  holds: string;
  /** Tasks have the nodes' role: what nodes write, any task of any run may have written. */
  writers: readonly Writer[];
  /** Of what readers parse. */
  schema?: z.ZodType;
  /** More than this is not read. */
  maxBytes?: number;
}

const MAX_MANIFEST_BYTES = 1024 * 1024;
const MAX_CONTROL_BYTES = 16 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024;

/** Everything in the bucket: docs/bucket.md, the bucket's policy and the corpus of hostile records are made from it. */
export const BUCKET_RECORDS: readonly BucketRecord[] = [
  {
    key: 'manifests/<any>.yaml',
    holds: 'A manifest, also `.yml` and `.json`. Dropping one starts a run.',
    writers: ['people'],
    maxBytes: MAX_MANIFEST_BYTES,
  },
  {
    key: 'inputs/<sha256>.<txt, csv, jsonl or tar.gz>',
    holds: 'A list, a table or a folder that was sent with a manifest.',
    writers: ['people'],
  },
  {
    key: 'runs/<run-id>/manifest.yaml',
    holds: 'The manifest as it was read; for people.',
    writers: ['functions'],
    maxBytes: MAX_MANIFEST_BYTES,
  },
  {
    key: 'runs/<run-id>/warnings.txt',
    holds:
      'Warnings: what the manifest or its list of commands may have by mistake, each at its file, line and column. Only where there are some; for people.',
    writers: ['functions'],
  },
  {
    key: 'runs/<run-id>/plan.json',
    holds:
      'What the job does: ingest writes it once, and its SHA-256 into control and into the job’s environment.',
    writers: ['functions'],
    maxBytes: MAX_PLAN_BYTES,
  },
  {
    key: 'runs/<run-id>/commands.txt',
    holds:
      'The list of commands, one a line. Its SHA-256 is in the plan, except of a list among the inputs, which node 0 writes.',
    writers: ['functions', 'nodes'],
  },
  {
    key: 'runs/<run-id>/table.<csv or jsonl>',
    holds:
      'The table that commands were made from. Its SHA-256 is in the plan, except of a table among the inputs, which node 0 sends.',
    writers: ['functions', 'nodes'],
  },
  {
    key: 'runs/<run-id>/status.json',
    holds: 'The reduction of all events.',
    writers: ['functions'],
    schema: statusRecord,
    maxBytes: MAX_STATUS_BYTES,
  },
  {
    key: 'runs/<run-id>/events/<event-id>.json',
    holds: 'One observation; its id is a hash of what it says. At most 2,000 are read.',
    writers: ['functions'],
    schema: eventRecord,
    maxBytes: MAX_EVENT_BYTES,
  },
  {
    key: 'runs/<run-id>/owner.json',
    holds:
      'The fence: the job that may run the experiment. It only chooses among jobs that bear the run’s nonce.',
    writers: ['functions', 'nodes'],
    schema: ownerRecord,
    maxBytes: MAX_OWNER_BYTES,
  },
  {
    key: 'runs/<run-id>/progress.json',
    holds: 'Node 0’s last words. Silence is judged by its date in S3.',
    writers: ['nodes'],
    schema: progressRecord,
    maxBytes: MAX_PROGRESS_BYTES,
  },
  {
    key: 'runs/<run-id>/joblog.tsv',
    holds: 'GNU parallel’s table of tasks. Read as a stream, in lines of bounded length.',
    writers: ['nodes', 'maintenance jobs'],
  },
  {
    key: 'runs/<run-id>/last-lines.tsv',
    holds: 'How each failed try ended, with the line of stderr that says why.',
    writers: ['nodes'],
    maxBytes: MAX_LAST_LINES_BYTES,
  },
  {
    key: 'runs/<run-id>/nodes.json',
    holds: 'Node 0’s table of nodes.',
    writers: ['nodes'],
    schema: nodesRecord,
    maxBytes: MAX_NODES_BYTES,
  },
  {
    key: 'runs/<run-id>/load.json',
    holds: 'CPU, memory and disk of each node over time, in at most 240 points.',
    writers: ['nodes'],
    schema: loadRecord,
    maxBytes: MAX_LOAD_BYTES,
  },
  { key: 'runs/<run-id>/logs/nodes/<index>.log', holds: 'The end of a node’s log.', writers: ['nodes'] },
  {
    key: 'runs/<run-id>/logs/tasks/<seq>.<out or err>',
    holds: 'The last 64 KiB of what a failed task wrote.',
    writers: ['nodes', 'maintenance jobs'],
    maxBytes: TAIL_BYTES,
  },
  {
    key: 'runs/<run-id>/logs/stdout/<name>',
    holds: 'With `keepOutput: all`: what all tasks printed, and the list of these tasks.',
    writers: ['nodes'],
  },
  {
    key: 'runs/<run-id>/outputs/<path>',
    holds: 'What the manifest’s `outputs` name.',
    writers: ['nodes', 'maintenance jobs'],
  },
  {
    key: 'runs/<run-id>/outputs/index.json',
    holds: 'Path, size and SHA-256 of each of them.',
    writers: ['nodes', 'maintenance jobs'],
    schema: outputIndexRecord,
    maxBytes: MAX_OUTPUT_INDEX_BYTES,
  },
  {
    key: 'runs/<run-id>/outputs.jsonl',
    holds: 'The same of each file, one a line, where there are too many for the index.',
    writers: ['nodes', 'maintenance jobs'],
  },
  {
    key: 'runs/<run-id>/parts/<name>',
    holds: 'Archives of small outputs.',
    writers: ['nodes', 'maintenance jobs'],
  },
  {
    key: 'runs/<run-id>/versions.json',
    holds: 'What results were made by.',
    writers: ['nodes'],
    schema: versionsRecord,
    maxBytes: MAX_VERSIONS_BYTES,
  },
  {
    key: 'runs/<run-id>/results.jsonl',
    holds:
      'The fields that the manifest names under `results`, a line a task: `[task, {field: value}]`. Read as a stream, in lines of bounded length.',
    writers: ['nodes'],
    maxBytes: MAX_RESULTS_BYTES,
  },
  {
    key: 'runs/<run-id>/tasks.<csv or parquet>',
    holds: 'A row a task: its parameters, where, when and how it ended ([docs/tables.md](tables.md)).',
    writers: ['functions'],
  },
  {
    key: 'runs/<run-id>/summary.json',
    holds: 'What the run came to.',
    writers: ['functions'],
    schema: summaryRecord,
    maxBytes: MAX_SUMMARY_BYTES,
  },
  { key: 'runs/<run-id>/report.html', holds: 'The same for people, in one file.', writers: ['functions'] },
  { key: 'runs.html', holds: 'The page of all runs.', writers: ['functions'] },
  {
    key: 'control/<run-id>.json',
    holds: 'The functions’ memory of a run; task tokens are in it.',
    writers: ['functions'],
    schema: controlRecord,
    maxBytes: MAX_CONTROL_BYTES,
  },
  { key: 'control/open/<run-id>', holds: 'Empty: this run is not closed.', writers: ['functions'] },
  {
    key: 'control/rejected/<hash>.json',
    holds: 'What was sent about a rejection.',
    writers: ['functions'],
    schema: toldRecord,
    maxBytes: MAX_CONTROL_BYTES,
  },
  {
    key: 'control/manifest-search.json',
    holds: 'How far the search for manifests whose event was lost has come.',
    writers: ['functions'],
    schema: manifestSearchRecord,
    maxBytes: MAX_CONTROL_BYTES,
  },
  {
    key: 'rejected/<manifest’s key>@<version>.<txt or json>',
    holds: 'Every fault of a manifest that was not accepted, for people and for programs.',
    writers: ['functions'],
  },
  {
    key: 'maintenance/<job-id>.json',
    holds: 'What a job that salvages or cleans did.',
    writers: ['maintenance jobs'],
    schema: maintenanceRecord,
    maxBytes: MAX_MAINTENANCE_BYTES,
  },
];

/** Patterns of the keys that the job's role may write, as a policy names them: nodes, maintenance jobs and tasks have it. */
export function writableByJobs(): string[] {
  const keys = BUCKET_RECORDS.filter(({ writers }) =>
    writers.some((one) => one !== 'people' && one !== 'functions'),
  );
  // The index lies among the outputs.
  return keys
    .map(({ key }) => key.replaceAll(/<[^<>]*>/g, '*'))
    .filter((key) => key !== 'runs/*/outputs/index.json');
}
