import * as z from 'zod';
import { MAX_EXCLUDED, MAX_REPLICATES } from '../commands/design.ts';
import type { MatrixRange } from '../commands/matrix.ts';
import { MAX_RESULT_FIELDS } from '../results/result-fields.ts';
import { parseDuration } from '../text/duration.ts';
import { grouped } from '../text/numbers.ts';
import { parseSize } from '../text/size.ts';

/**
 * The manifest's one source: this schema gives the type, the faults and `docs/schema/manifest.schema.json`. Every error text
 * says what is allowed there.
 */

const MINUTE = 60;
const DAY = 86_400;
/** Of the largest instances of EC2. */
const MAX_VCPUS = 1920;
const MAX_MEBIBYTES = 32 * 1024 * 1024;

const NAME = /^[a-z](?:[a-z0-9-]{0,58}[a-z0-9])?$/;
const NAME_ALLOWED =
  'lower case letters, digits and hyphens, beginning with a letter, not ending with a hyphen, at most 60';

const whole = (min: number, max: number) => {
  const error = `a whole number from ${grouped(min)} to ${grouped(max)}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

const text = (what: string, most = 4096) =>
  z
    .string({ error: what })
    .min(1, { error: what })
    .max(most, { error: `${what}, at most ${grouped(most)} characters` });

const name = () => z.string({ error: NAME_ALLOWED }).regex(NAME, { error: NAME_ALLOWED });

/** The largest instance of EC2 has 32 TiB; Batch takes no less than 4 MiB. */
const size = (min: number) => {
  const error = `a whole size from ${min}MiB to 32TiB, such as 512MiB, 8GiB or 1TiB`;
  return z
    .string({ error })
    .regex(/^\d{1,9}(MiB|GiB|TiB)$/, { error })
    .refine((value) => within(parseSize(value), min, MAX_MEBIBYTES), { error })
    .transform((value) => parseSize(value) ?? 0);
};

const duration = (min: number, max: number, range: string) => {
  const error = `a duration such as 90s, 10m, 1h30m or 2d${range}`;
  return z
    .string({ error })
    .regex(/^(?=\d)(\d{1,9}d)?(\d{1,9}h)?(\d{1,9}m)?(\d{1,9}s)?$/, { error })
    .refine((value) => within(parseDuration(value), min, max), { error })
    .transform((value) => parseDuration(value) ?? 0);
};

const within = (value: number | undefined, min: number, max: number) =>
  value === undefined || (value >= min && value <= max);

const RELATIVE = 'a relative path without `..`';
const relativePath = () =>
  z
    .string({ error: RELATIVE })
    .max(1024, { error: RELATIVE })
    .regex(/^(?!\/)(?!(?:[^\n\r]*\/)?\.\.(?:\/|$))[^\n\r]+$/, { error: RELATIVE });

const OUTPUT = `${RELATIVE}, or {path, optional: true}`;

const FROM =
  'a folder or file such as ./project, inputs/<sha256>.tar.gz, or s3://bucket/key (a prefix ends with /)';
const from = () =>
  z
    .string({ error: FROM })
    .max(1100, { error: FROM })
    .regex(
      /^(?!(?:.*\/)?\.\.(?:\/|$))(?:\.(?:\/.*)?|inputs\/[0-9a-f]{64}\.tar\.gz|s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/.*)$/,
      { error: FROM },
    );

const RUN_ID = 'the id of an ended run, such as speed-sweep-0123456789a';
const runId = () =>
  z.string({ error: RUN_ID }).regex(/^[a-z](?:[a-z0-9-]{0,58}[a-z0-9])?-[0-9a-f]{11}$/, { error: RUN_ID });

const LINE = 'one line of text, not empty';
const commandLine = () => z.string({ error: LINE }).regex(/^[^\n\r]+$/, { error: LINE });

const matrixValue = () =>
  z.union([z.string(), z.number(), z.boolean()], {
    error: 'a text, a number, true or false',
  });
const MATRIX = 'a list of values, or {from, to, step}';
const LIST = 'a list of values';
const TABLE = 'a table of parameters, .csv or .jsonl, relative to the manifest, or s3://bucket/key';
const finite = () => z.number({ error: 'a number' });
const parameters = ['matrix', 'zip', 'table', 'replicates'];
const commandsChoice = [
  { required: ['template'], anyOf: parameters.map((key) => ({ required: [key] })) },
  { required: ['list'] },
  { required: ['file'] },
];
const runChoice = [{ required: ['commands'] }, { required: ['sierra'] }];
const parameter = () =>
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
    error: 'letters, digits and underscores, not beginning with a digit',
  });
const values = () => z.array(matrixValue(), { error: LIST }).min(1, { error: 'at least one value' });
const matrix = () =>
  z
    .record(
      parameter(),
      z.union(
        [
          values(),
          z
            .strictObject({
              from: finite(),
              to: finite(),
              step: z
                .number({ error: 'a number over zero' })
                .positive({ error: 'a number over zero' })
                .optional(),
            })
            // The bounds with their zeros come from the source.
            .transform((range): MatrixRange => range),
        ],
        { error: MATRIX },
      ),
      { error: 'keys with lists of values' },
    )
    .describe(
      'Every combination of these values is one command; they stand in it as written here, with their zeros.',
    );

const commands = () =>
  z
    .strictObject(
      {
        template: commandLine()
          .describe(
            'A command with `{key}` for each parameter: the keys of matrix, zip and table, and those of replicates. A value is quoted for the shell, so it is one argument or part of one, also within quotes; where the shell reads a second time (a command in dollar-parentheses or backticks, `bash -c`, after a backslash) only plain ones of letters, digits and `_./:=@%+,-` are allowed. `{key:raw}` pastes the value as it is. Dollar-brace is the shell’s, `{{key}}` writes `{key}`.',
          )
          .optional(),
        matrix: matrix().optional(),
        zip: z
          .record(parameter(), values(), { error: 'keys with lists of values, all of one length' })
          .describe(
            'Lists of one length whose values belong together: the first of each, the second of each, and so on. Crossed with the matrix.',
          )
          .optional(),
        table: z
          .string({ error: TABLE })
          .max(1100, { error: TABLE })
          .regex(/.\.(csv|jsonl)$/, { error: TABLE })
          .describe(
            'A file with a row of values a line: CSV whose header names the keys, or JSON objects with the same keys. It is beside the manifest and is sent with it, or comes with the inputs; values stay as written. Crossed with the matrix.',
          )
          .optional(),
        exclude: z
          .array(z.record(parameter(), matrixValue(), { error: 'keys with a value each' }), {
            error: 'a list of {key: value}',
          })
          .max(MAX_EXCLUDED, { error: `at most ${MAX_EXCLUDED}` })
          .describe('Combinations that have all the values of one of these are left out.')
          .optional(),
        replicates: whole(1, MAX_REPLICATES)
          .describe(
            'Every combination runs this often, with `{replicate}` from 1 and `{replicateSeed}`: a seed made from the manifest’s name and that number, so it is the same for every combination and when a run is resumed.',
          )
          .optional(),
        list: z
          .array(commandLine(), { error: 'a list of commands' })
          .min(1, { error: 'at least one command' })
          .describe('The commands themselves.')
          .optional(),
        file: text('a file with one command a line, relative to the manifest, or s3://bucket/key')
          .describe('A file with one command a line.')
          .optional(),
      },
      { error: 'one of template with its parameters, list, file' },
    )
    .meta({
      description:
        'Commands to be run, each as one task: one of template (with matrix, zip, table or replicates), list, file.',
      oneOf: commandsChoice,
    });

const sierra = () =>
  z
    .strictObject(
      {
        args: z
          .array(text('an argument of SIERRA', 32_768), {
            error: 'a list of SIERRA’s command line arguments',
          })
          .describe(
            'Arguments for SIERRA, without those that sierra-batch supplies (--execenv, --sierra-root, --nodefile, --exec-jobs-per-node).',
          ),
        onFailedRuns: z
          .enum(['process', 'stop'], { error: 'process or stop' })
          .describe('When simulations failed: go on with stage 3 for those that did not, or stop.')
          .optional(),
        minRuns: whole(1, 1_000_000)
          .describe(
            'Whole runs that each experiment needs for stage 3 to be started when simulations failed. 1 when left out.',
          )
          .optional(),
      },
      { error: '{args: […]}' },
    )
    .describe('A SIERRA experiment, stages 1 to 5.');

const RESULTS = '{json: path}, {csv: path} or {stdout: json}, with fields';
const results = () =>
  z
    .strictObject(
      {
        json: relativePath()
          .describe(
            'A file of each task with a JSON object; `{key}` in its path is a parameter, `{task}` the number.',
          )
          .optional(),
        csv: relativePath().describe('The same with a header and rows: the last row counts.').optional(),
        stdout: z
          .literal('json', { error: 'json' })
          .describe('The last line that a task prints is a JSON object.')
          .optional(),
        fields: z
          .array(text('the name of a field', 200), { error: 'a list of names' })
          .min(1, { error: 'at least one name' })
          .max(MAX_RESULT_FIELDS, { error: `at most ${MAX_RESULT_FIELDS} names` })
          .describe(
            'The fields that become columns, `stats.mean` for one within another; all single values when left out.',
          )
          .optional(),
      },
      { error: RESULTS },
    )
    .describe(
      'Fields of what each task found, as columns of `tasks.csv` and `tasks.parquet`: one of json, csv, stdout.',
    );

const PERCENT = /^(?!0+(?:\.0+)?%)(?:\d{1,2}(?:\.\d{1,3})?|100)%$/;
const STOP_AFTER = '{failures: 20}, {failures: "5%"}, or never';

const environmentName = () =>
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
    error: 'letters, digits and underscores, not beginning with a digit',
  });
const TAG_NAME = 'from 1 to 128 characters';
const tagName = () => z.string().min(1, { error: TAG_NAME }).max(128, { error: TAG_NAME });
/** Numbers and true or false come here as they are written; editors must know that they may be written. */
const asWritten = () =>
  z.string({ error: 'a single value, not empty' }).meta({ type: ['string', 'number', 'boolean'] });

export const manifestSchema = z
  .strictObject(
    {
      $schema: z.string().describe('For editors: the JSON schema of manifests.').optional(),
      apiVersion: z
        .literal('sierra-batch/v1', { error: 'sierra-batch/v1' })
        .describe('The version of this notation.'),
      name: name().describe('Names the run; its id is the name and a hash.'),
      cluster: z
        .strictObject(
          {
            nodes: whole(1, 1000).describe(
              'Nodes of the multi-node job, node 0 included; each is an instance of its own.',
            ),
            vcpus: whole(1, MAX_VCPUS).describe('vCPUs of each node.').optional(),
            memory: size(4).describe('Memory of each node.').optional(),
            sharedMemory: size(1)
              .describe('Size of /dev/shm; the deployment’s when left out (1 GiB unless it was changed).')
              .optional(),
            gpus: whole(1, 16).describe('GPUs of each node.').optional(),
            image: text('a container image')
              .describe('The container image; the deployment’s when left out.')
              .optional(),
            instanceType: z
              .string({ error: 'an instance type such as c7g.4xlarge' })
              .regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, { error: 'an instance type such as c7g.4xlarge' })
              .describe('An EC2 instance type; Batch chooses when left out.')
              .optional(),
            queue: text('the name of a queue of the deployment', 128)
              .describe('A job queue of the deployment’s list.')
              .optional(),
          },
          { error: '{nodes: …}' },
        )
        .describe('The machines.'),
      run: z
        .strictObject(
          {
            commands: commands().optional(),
            sierra: sierra().optional(),
            jobsPerNode: whole(1, 4096).describe('Tasks at once on each node.').optional(),
            threadsPerTask: whole(1, MAX_VCPUS)
              .describe(
                'vCPUs a task uses; tasks at once are vCPUs ÷ this when jobsPerNode is left out. 1 when left out.',
              )
              .optional(),
            fanout: z
              .enum(['pool', 'stock'], { error: 'pool or stock' })
              .describe(
                'How tasks are started: pool (fast, survives lost nodes) or stock (SIERRA’s own GNU parallel line).',
              )
              .optional(),
            keepOutput: z
              .enum(['failed', 'all'], { error: 'failed or all' })
              .describe(
                'Of which tasks stdout and stderr come to the bucket: of those that failed, or of all, packed (`sierra-batch logs --task` reads both). `failed` when left out.',
              )
              .optional(),
            finally: commandLine()
              .describe(
                'A closing command: on node 0, once all tasks have ended, also when some failed; not after a limit, the budget, a cancellation or `stopAfter`. What it writes below `outputs` is sent. Where it fails the run ends with 1, and a resumed run runs it again.',
              )
              .optional(),
          },
          { error: 'commands or sierra' },
        )
        .meta({ description: 'What is run: exactly one of commands and sierra.', oneOf: runChoice }),
      inputs: z
        .array(
          z.strictObject(
            {
              from: from().describe(
                'A folder or file beside the manifest, a file sent along before, or a place in a bucket. Links of a folder go as they are; `.sierra-batch`, `.git`, the manifest itself, sockets and what its `.sierra-batchignore` names (lines as in `.gitignore`; `!.git` sends that after all) stay.',
              ),
              to: relativePath().describe(
                'Where it goes, relative to the folder that tasks start in; a file goes into it where it ends with a slash.',
              ),
            },
            { error: '{from, to}' },
          ),
          { error: 'a list of {from, to}' },
        )
        .describe('Brought to shared storage before the first task.')
        .optional(),
      outputs: z
        .array(
          z.union(
            [
              relativePath(),
              z.strictObject(
                {
                  path: relativePath().describe('A file, a folder or a wildcard.'),
                  optional: z
                    .boolean({ error: 'true or false' })
                    .describe('It may be missing without the run failing. false when left out.')
                    .optional(),
                },
                { error: OUTPUT },
              ),
            ],
            { error: OUTPUT },
          ),
          { error: 'a list of paths' },
        )
        .describe(
          'Files, folders and wildcards (`results/*.csv`, `**`) sent to the bucket, as far as they were written since the run began; relative to the folder that tasks start in. One that is missing at the end makes the run fail, unless it is `{path: …, optional: true}`.',
        )
        .optional(),
      results: results().optional(),
      workspace: name().describe('A folder on shared storage that outlives runs.').optional(),
      resume: z
        .union(
          [
            runId(),
            z.strictObject({
              run: runId().describe('The ended run.'),
              keep: z
                .literal('same', { error: 'same' })
                .describe(
                  'Keep only what the same inputs, image and environment made, and run all else again. Every finished task stays when left out.',
                )
                .optional(),
            }),
          ],
          { error: `${RUN_ID}, or {run, keep: same}` },
        )
        .describe(
          'Goes on with that ended run, in its folder: only what is new or failed runs. A task is known by its command, and by its number too where the command occurs more than once or names `SIERRA_BATCH_TASK` or `PARALLEL_SEQ`.',
        )
        .optional(),
      environment: z
        .record(environmentName(), asWritten(), { error: 'names with values' })
        .describe('Variables that every task gets, as written here.')
        .optional(),
      timeouts: z
        .strictObject(
          {
            queue: duration(1, DAY, ', from 1s to 1d')
              .describe('Waiting for machines; 6h when left out.')
              .optional(),
            join: duration(1, 14 * DAY, ', from 1s to 14d')
              .describe('Waiting for all nodes; 10m when left out.')
              .optional(),
            run: duration(MINUTE, 14 * DAY, ', from 60s to 14d')
              .describe('Running tasks; 1d when left out.')
              .optional(),
            task: duration(1, 14 * DAY, ', from 1s to 14d')
              .describe('One task; no limit when left out.')
              .optional(),
            grace: duration(1, 5 * MINUTE, ', from 1s to 5m')
              .describe(
                'Between SIGTERM and SIGKILL for a task that has reached its limit or is cancelled; 5s when left out.',
              )
              .optional(),
            process: duration(1, 14 * DAY, ', from 1s to 14d')
              .describe('SIERRA’s stages 3 to 5 together, within `run`; 1h when left out.')
              .optional(),
            finally: duration(1, 14 * DAY, ', from 1s to 14d')
              .describe('The closing command `run.finally`, after `run`; 1h when left out.')
              .optional(),
          },
          { error: '{queue, join, run, task, grace, process, finally}' },
        )
        .describe('Time limits.')
        .optional(),
      retry: z
        .strictObject(
          {
            attempts: whole(1, 10)
              .describe(
                'Attempts of the job when nodes are lost, the first included; later ones resume. 1 when left out.',
              )
              .optional(),
            tasks: whole(0, 1000)
              .describe('How often a task that failed is started again. 0 when left out.')
              .optional(),
          },
          { error: '{attempts, tasks}' },
        )
        .describe('What is tried again.')
        .optional(),
      stopAfter: z
        .union(
          [
            z.literal('never'),
            z.strictObject({ failures: z.union([whole(1, 1_000_000), z.string().regex(PERCENT)]) }),
          ],
          { error: STOP_AFTER },
        )
        .describe(
          'Ends the run once so many tasks, or such a share of all, have failed for good. When left out, a run is ended whose first tasks all fail alike; `never` turns that off.',
        )
        .optional(),
      minNodes: whole(1, 1000)
        .describe('Start and go on with no fewer nodes than this; all when left out.')
        .optional(),
      budget: z
        .strictObject(
          {
            maxNodeHours: z
              .number({ error: 'a number over zero' })
              .positive({ error: 'a number over zero' })
              .describe('The run is ended when its nodes have been up this long, added up.')
              .optional(),
            usd: z
              .number({ error: 'a number over zero' })
              .positive({ error: 'a number over zero' })
              .describe(
                'The run is ended when its node-hours have cost so many dollars at the price of the deployment’s nodes.',
              )
              .optional(),
          },
          { error: '{maxNodeHours, usd}' },
        )
        .describe('What the run may cost.')
        .optional(),
      limits: z
        .strictObject(
          {
            taskOutput: size(1)
              .describe(
                'What a task may write to stdout and stderr together; one that writes more is ended, with exit code 153. 1GiB when left out.',
              )
              .optional(),
          },
          { error: '{taskOutput}' },
        )
        .describe('What one task may use up.')
        .optional(),
      notify: z
        .array(
          z.enum(['rejected', 'stuck', 'failed', 'succeeded', 'cancelled', 'timed-out'], {
            error: 'rejected, stuck, failed, succeeded, cancelled or timed-out',
          }),
          { error: 'a list of states' },
        )
        .describe('What people get mail about.')
        .optional(),
      tags: z
        .record(tagName(), asWritten(), { error: 'names with values' })
        .describe(
          'Tags of the job, for cost reports; at most 40, of letters, digits, spaces and _ . : / = + - @.',
        )
        .optional(),
    },
    { error: 'a manifest with the keys apiVersion, name, cluster and run' },
  )
  .meta({ title: 'sierra-batch manifest', description: 'An experiment to be run by sierra-batch.' });

/** A manifest that was accepted; sizes in MiB, durations in seconds. */
export type Manifest = z.output<typeof manifestSchema>;
