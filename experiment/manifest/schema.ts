import * as z from 'zod';
import { budget, limits, retry, stopAfter, timeouts } from './keys/bounds.ts';
import { inputs, outputs, results } from './keys/files.ts';
import { run } from './keys/run.ts';
import { identifier, MAX_VCPUS, matching, name, oneOf, optional, size, text, whole } from './keys/values.ts';

/**
 * The manifest's one source: this schema gives the type, the faults and `docs/schema/manifest.schema.json`. Every error text
 * says what is allowed there.
 */

const RUN_ID =
  'the id of an ended run, such as speed-sweep-0123456789a (`sierra-batch run FILE --resume last` finds it)';
const runId = () => matching(/^[a-z](?:[a-z0-9-]{0,58}[a-z0-9])?-[0-9a-f]{11}$/, RUN_ID);

const TAG_NAME = 'from 1 to 128 characters';
const tagName = () => z.string().min(1, { error: TAG_NAME }).max(128, { error: TAG_NAME });
/** Numbers and true or false come here as they are written; editors must know that they may be written. */
const asWritten = () =>
  z.string({ error: 'a single value, not empty' }).meta({ type: ['string', 'number', 'boolean'] });

export const manifestSchema = z
  .strictObject(
    {
      $schema: optional(z.string(), 'For editors: the JSON schema of manifests.'),
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
            vcpus: optional(whole(1, MAX_VCPUS), 'vCPUs of each node.'),
            memory: optional(size(4), 'Memory of each node.'),
            sharedMemory: optional(
              size(1),
              'Size of /dev/shm; the deployment’s when left out (1 GiB unless it was changed).',
            ),
            gpus: optional(whole(1, 16), 'GPUs of each node.'),
            image: optional(
              text('a container image'),
              'The container image; the deployment’s when left out.',
            ),
            instanceType: optional(
              matching(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'an instance type such as c7g.4xlarge'),
              'An EC2 instance type; Batch chooses when left out.',
            ),
            queue: optional(
              text('the name of a queue of the deployment', 128),
              'A job queue of the deployment’s list.',
            ),
          },
          { error: '{nodes: …}' },
        )
        .describe('The machines.'),
      run: run(),
      inputs: inputs().optional(),
      outputs: outputs().optional(),
      results: results().optional(),
      workspace: optional(name(), 'A folder on shared storage that outlives runs.'),
      resume: optional(
        z.union(
          [
            runId(),
            z.strictObject({
              run: runId().describe('The ended run.'),
              keep: optional(
                z.literal('same', { error: 'same' }),
                'Keep only what the same inputs, image and environment made, and run all else again. Every finished task stays when left out.',
              ),
            }),
          ],
          { error: `${RUN_ID}, or {run, keep: same}` },
        ),
        'Goes on with that ended run, in its folder: only what is new or failed runs. A task is known by its command, and by its number too where the command occurs more than once or names `SIERRA_BATCH_TASK` or `PARALLEL_SEQ`.',
      ),
      environment: optional(
        z.record(identifier(), asWritten(), { error: 'names with values' }),
        'Variables that every task gets, as written here.',
      ),
      timeouts: timeouts().optional(),
      retry: retry().optional(),
      stopAfter: stopAfter().optional(),
      minNodes: optional(whole(1, 1000), 'Start and go on with no fewer nodes than this; all when left out.'),
      budget: budget().optional(),
      limits: limits().optional(),
      notify: optional(
        z.array(oneOf('rejected', 'stuck', 'failed', 'succeeded', 'cancelled', 'timed-out'), {
          error: 'a list of states',
        }),
        'What people get mail about.',
      ),
      tags: optional(
        z.record(tagName(), asWritten(), { error: 'names with values' }),
        'Tags of the job, for cost reports; at most 40, of letters, digits, spaces and _ . : / = + - @.',
      ),
    },
    { error: 'a manifest with the keys apiVersion, name, cluster and run' },
  )
  .meta({ title: 'sierra-batch manifest', description: 'An experiment to be run by sierra-batch.' });

/** A manifest that was accepted; sizes in MiB, durations in seconds. */
export type Manifest = z.output<typeof manifestSchema>;
