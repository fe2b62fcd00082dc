import * as z from 'zod';
import { MAX_RESULT_FIELDS } from '../../results/result-fields.ts';
import { optional, RELATIVE, relativePath, text } from './values.ts';

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

export const inputs = () =>
  z
    .array(
      z.strictObject(
        {
          from: from().describe(
            'A folder or file beside the manifest, a file sent along before, or a place in a bucket. Links of a folder go as they are; `.sierra-batch`, `.git`, the manifest itself, what `fetch` wrote (of the manifest’s own folder), sockets and what its `.sierra-batchignore` names (lines as in `.gitignore`; `!.git` sends that after all) stay.',
          ),
          to: relativePath().describe(
            'Where it goes, relative to the folder that tasks start in; a file goes into it where it ends with a slash.',
          ),
        },
        { error: '{from, to}' },
      ),
      { error: 'a list of {from, to}' },
    )
    .describe('Brought to shared storage before the first task.');

export const outputs = () =>
  z
    .array(
      z.union(
        [
          relativePath(),
          z.strictObject(
            {
              path: relativePath().describe('A file, a folder or a wildcard.'),
              optional: optional(
                z.boolean({ error: 'true or false' }),
                'It may be missing without the run failing. false when left out.',
              ),
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
    );

const RESULTS = '{json: path}, {csv: path} or {stdout: json}, with fields';
export const results = () =>
  z
    .strictObject(
      {
        json: optional(
          relativePath(),
          'A file of each task with a JSON object; `{key}` in its path is a parameter, `{task}` the number.',
        ),
        csv: optional(relativePath(), 'The same with a header and rows: the last row counts.'),
        stdout: optional(
          z.literal('json', { error: 'json' }),
          'The last line that a task prints is a JSON object.',
        ),
        fields: optional(
          z
            .array(text('the name of a field', 200), { error: 'a list of names' })
            .min(1, { error: 'at least one name' })
            .max(MAX_RESULT_FIELDS, { error: `at most ${MAX_RESULT_FIELDS} names` }),
          'The fields that become columns, `stats.mean` for one within another; all single values when left out.',
        ),
      },
      { error: RESULTS },
    )
    .describe(
      'Fields of what each task found, as columns of `tasks.csv` and `tasks.parquet`: one of json, csv, stdout.',
    );
