import * as z from 'zod';
import { DAY, duration, MINUTE, optional, positive, size, whole } from './values.ts';

export const timeouts = () =>
  z
    .strictObject(
      {
        queue: optional(duration(1, DAY, ', from 1s to 1d'), 'Waiting for machines; 6h when left out.'),
        join: optional(
          duration(1, 14 * DAY, ', from 1s to 14d'),
          'Waiting for all nodes; 10m when left out.',
        ),
        run: optional(duration(MINUTE, 14 * DAY, ', from 60s to 14d'), 'Running tasks; 1d when left out.'),
        task: optional(duration(1, 14 * DAY, ', from 1s to 14d'), 'One task; no limit when left out.'),
        grace: optional(
          duration(1, 5 * MINUTE, ', from 1s to 5m'),
          'Between SIGTERM and SIGKILL for a task that has reached its limit or is cancelled; 5s when left out.',
        ),
        process: optional(
          duration(1, 14 * DAY, ', from 1s to 14d'),
          'SIERRA’s stages 3 to 5 together, within `run`; 1h when left out.',
        ),
        finally: optional(
          duration(1, 14 * DAY, ', from 1s to 14d'),
          'The closing command `run.finally`, after `run`; 1h when left out.',
        ),
      },
      { error: '{queue, join, run, task, grace, process, finally}' },
    )
    .describe('Time limits.');

export const retry = () =>
  z
    .strictObject(
      {
        attempts: optional(
          whole(1, 10),
          'Attempts of the job when nodes are lost, the first included; later ones resume. 1 when left out.',
        ),
        tasks: optional(whole(0, 1000), 'How often a task that failed is started again. 0 when left out.'),
      },
      { error: '{attempts, tasks}' },
    )
    .describe('What is tried again.');

const PERCENT = /^(?!0+(?:\.0+)?%)(?:\d{1,2}(?:\.\d{1,3})?|100)%$/;
const STOP_AFTER = '{failures: 20}, {failures: "5%"}, or never';
export const stopAfter = () =>
  z
    .union(
      [
        z.literal('never'),
        z.strictObject({ failures: z.union([whole(1, 1_000_000), z.string().regex(PERCENT)]) }),
      ],
      { error: STOP_AFTER },
    )
    .describe(
      'Ends the run once so many tasks, or such a share of all, have failed for good. When left out, a run is ended whose first tasks all fail alike; `never` turns that off.',
    );

export const budget = () =>
  z
    .strictObject(
      {
        maxNodeHours: optional(
          positive(),
          'The run is ended when its nodes have been up this long, added up.',
        ),
        usd: optional(
          positive(),
          'The run is ended when its node-hours have cost so many dollars at the price of the deployment’s nodes.',
        ),
      },
      { error: '{maxNodeHours, usd}' },
    )
    .describe('What the run may cost.');

export const limits = () =>
  z
    .strictObject(
      {
        taskOutput: optional(
          size(1),
          'What a task may write to stdout and stderr together; one that writes more is ended, with exit code 153. 1GiB when left out.',
        ),
      },
      { error: '{taskOutput}' },
    )
    .describe('What one task may use up.');
