import * as z from 'zod';
import { MAX_EXCLUDED, MAX_REPLICATES } from '../../commands/design.ts';
import type { MatrixRange } from '../../commands/matrix.ts';
import { commandLine, identifier, MAX_VCPUS, oneOf, optional, positive, text, whole } from './values.ts';

const matrixValue = () =>
  z.union([z.string(), z.number(), z.boolean()], {
    error: 'a text, a number, true or false',
  });
const TABLE = 'a table of parameters, .csv or .jsonl, relative to the manifest, or s3://bucket/key';
const finite = () => z.number({ error: 'a number' });
const parameters = ['matrix', 'zip', 'table', 'replicates'];
const commandsChoice = [
  { required: ['template'], anyOf: parameters.map((key) => ({ required: [key] })) },
  { required: ['list'] },
  { required: ['file'] },
];
const runChoice = [{ required: ['commands'] }, { required: ['sierra'] }];
const values = () =>
  z.array(matrixValue(), { error: 'a list of values' }).min(1, { error: 'at least one value' });
const matrix = () =>
  z
    .record(
      identifier(),
      z.union(
        [
          values(),
          z
            .strictObject({
              from: finite(),
              to: finite(),
              step: positive().optional(),
            })
            // The bounds with their zeros come from the source.
            .transform((range): MatrixRange => range),
        ],
        { error: 'a list of values, or {from, to, step}' },
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
        template: optional(
          commandLine(),
          'A command with `{key}` for each parameter: the keys of matrix, zip and table, and those of replicates. A value is quoted for the shell, so it is one argument or part of one, also within quotes; where the shell reads a second time (a command in dollar-parentheses or backticks, `bash -c`, after a backslash) only plain ones of letters, digits and `_./:=@%+,-` are allowed. `{key:raw}` pastes the value as it is. Dollar-brace is the shell’s, `{{key}}` writes `{key}`.',
        ),
        matrix: matrix().optional(),
        zip: optional(
          z.record(identifier(), values(), { error: 'keys with lists of values, all of one length' }),
          'Lists of one length whose values belong together: the first of each, the second of each, and so on. Crossed with the matrix.',
        ),
        table: optional(
          z
            .string({ error: TABLE })
            .max(1100, { error: TABLE })
            .regex(/.\.(csv|jsonl)$/, { error: TABLE }),
          'A file with a row of values a line: CSV whose header names the keys, or JSON objects with the same keys. It is beside the manifest and is sent with it, or comes with the inputs; values stay as written. Crossed with the matrix.',
        ),
        exclude: optional(
          z
            .array(z.record(identifier(), matrixValue(), { error: 'keys with a value each' }), {
              error: 'a list of {key: value}',
            })
            .max(MAX_EXCLUDED, { error: `at most ${MAX_EXCLUDED}` }),
          'Combinations that have all the values of one of these are left out.',
        ),
        replicates: optional(
          whole(1, MAX_REPLICATES),
          'Every combination runs this often, with `{replicate}` from 1 and `{replicateSeed}`: a seed made from the manifest’s name and that number, so it is the same for every combination and when a run is resumed.',
        ),
        list: optional(
          z.array(commandLine(), { error: 'a list of commands' }).min(1, { error: 'at least one command' }),
          'The commands themselves.',
        ),
        file: optional(
          text('a file with one command a line, relative to the manifest, or s3://bucket/key'),
          'A file with one command a line.',
        ),
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
        onFailedRuns: optional(
          oneOf('process', 'stop'),
          'When simulations failed: go on with stage 3 for those that did not, or stop.',
        ),
        minRuns: optional(
          whole(1, 1_000_000),
          'Whole runs that each experiment needs for stage 3 to be started when simulations failed. 1 when left out.',
        ),
      },
      { error: '{args: […]}' },
    )
    .describe('A SIERRA experiment, stages 1 to 5.');

/** What is run, and how tasks share a node. */
export const run = () =>
  z
    .strictObject(
      {
        commands: commands().optional(),
        sierra: sierra().optional(),
        jobsPerNode: optional(whole(1, 4096), 'Tasks at once on each node.'),
        threadsPerTask: optional(
          whole(1, MAX_VCPUS),
          'vCPUs a task uses; tasks at once are vCPUs ÷ this when jobsPerNode is left out. 1 when left out.',
        ),
        fanout: optional(
          oneOf('pool', 'stock'),
          'How tasks are started: pool (fast, survives lost nodes) or stock (SIERRA’s own GNU parallel line).',
        ),
        keepOutput: optional(
          oneOf('failed', 'all'),
          'Of which tasks stdout and stderr come to the bucket: of those that failed, or of all, packed (`sierra-batch logs --task` reads both). `failed` when left out.',
        ),
        finally: optional(
          commandLine(),
          'A closing command: on node 0, once all tasks have ended, also when some failed; not after a limit, the budget, a cancellation or `stopAfter`. What it writes below `outputs` is sent. Where it fails the run ends with 1, and a resumed run runs it again.',
        ),
      },
      { error: 'commands or sierra' },
    )
    .meta({ description: 'What is run: exactly one of commands and sierra.', oneOf: runChoice });
