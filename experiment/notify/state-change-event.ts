import * as z from 'zod';
import { OUTCOMES } from '../records/outcome.ts';
import { STATES_UNDER_WAY, STUCK_KINDS } from '../records/status.ts';
import { EVENT_DETAIL_TYPE, EVENT_SOURCE } from './event-names.ts';

const count = z.int().min(0);
const seconds = z.number().min(0).nullable();

const tasks = z
  .object({
    total: count,
    succeeded: count,
    failed: count,
    retried: count
      .nullable()
      .describe('Started more than once because they failed; null where that is not known (`stock`).'),
    lost: count
      .optional()
      .describe(
        'Started on a node that was lost, and never finished anywhere; absent where starts are not known.',
      ),
    cutOff: count.optional().describe('Under way when the run was ended; absent as `lost` is.'),
    notStarted: count.optional().describe('Never begun; absent as `lost` is.'),
    before: count.optional().describe('Of the succeeded, those that runs which this one resumes had done.'),
  })
  .describe('How many tasks there were, and what became of them.');

const figures = z.object({
  exitCode: z.int().nullable().describe('The runner’s; null where it left none.'),
  tasks,
  nodeHours: z
    .number()
    .min(0)
    .describe('Nodes × time of each attempt, from its first node’s start to its end.'),
  queuedSeconds: seconds.describe(
    'Until the first attempt was started, queued and starting; null where it never was.',
  ),
  joinSeconds: seconds.describe(
    'From node 0’s start until the last node that was waited for had joined; null where it never went on.',
  ),
  runSeconds: seconds.describe(
    'From the first task’s start to the last one’s end or cut, attempts added up; null where none ran.',
  ),
});

/** What an event of ours says, under `detail`. A new optional field may come at any time; `version` changes with anything else. */
const detail = z
  .object({
    version: z.literal(1).describe('Of this format.'),
    id: z.string().min(1).describe('The same in each copy of one event: recognise a copy by it.'),
    state: z
      .enum(['rejected', ...STATES_UNDER_WAY, 'stuck', ...OUTCOMES])
      .describe('What has become of the experiment.'),
    at: z.iso.datetime().describe('When that was, as far as can be known (UTC).'),
    name: z.string().describe('The manifest’s name; of a rejected one its file’s.'),
    bucket: z.string().describe('The deployment’s.'),
    runId: z.string().optional().describe('Absent for a rejected manifest, of which no run is made.'),
    attempt: z.int().min(1).optional().describe('Of the job, where the state is one of an attempt.'),
    manifest: z
      .object({ key: z.string(), version: z.string() })
      .describe('The object that was dropped: its key, and its version id (or ETag where there are none).'),
    headline: z.string().describe('A sentence: what happened.'),
    why: z.string().describe('A sentence or two: why.'),
    next: z.string().describe('A sentence: what to do next.'),
    files: z
      .record(z.string(), z.string())
      .describe('Keys in the bucket worth reading, by what they are: `status`, `report`, `faults`, …'),
    stuck: z
      .enum(STUCK_KINDS)
      .optional()
      .describe('Only for `stuck`: in the queue, node 0 silent, not submitted, does not end.'),
    faults: count.optional().describe('Only for `rejected`: how many faults the manifest has.'),
    figures: figures.optional().describe('Only for a run that has ended, where its summary could be read.'),
  })
  .describe('What happened.');

/** An event of ours as EventBridge delivers it. `id` beside `detail` is EventBridge's own and new for every copy. */
export const stateChangeEvent = z
  .object({
    version: z.literal('0'),
    id: z.string(),
    source: z.literal(EVENT_SOURCE),
    'detail-type': z.literal(EVENT_DETAIL_TYPE),
    account: z.string(),
    time: z.string(),
    region: z.string(),
    resources: z
      .array(z.string())
      .describe('The bucket’s ARN and, where there is one, that of the run’s execution.'),
    detail,
  })
  .meta({
    title: 'sierra-batch: Experiment State Change',
    description: 'What sierra-batch puts on EventBridge’s bus for every change of state of an experiment.',
  });

/** One change of state, as it is told: by an event, and in a mail that is made from it. */
export type StateChange = z.infer<typeof detail>;
