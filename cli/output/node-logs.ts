import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import type { Status } from '../../experiment/records/status.ts';
import type { LiveSystem, Target } from '../context/target.ts';

/** What a node has written since it was asked last; empty when that is nothing. */
export type NodeLogSource = (status: Pick<Status, 'jobId' | 'attempt'>) => Promise<string>;

/** Where a node's log grows while it runs; undefined where there is no such place. */
export function nodeLogSource(target: Target, runId: string, node: number): NodeLogSource | undefined {
  if (target.folder !== undefined) return fileSource(join(target.folder, 'logs', runId), node);
  return target.live?.logs === undefined ? undefined : cloudWatchSource(target.live, node);
}

const BLOCK = 256 * 1024;

/** The local system keeps one file for each attempt and node. */
function fileSource(folder: string, node: number): NodeLogSource {
  let attempt = 0;
  let at = 0;
  return async (status) => {
    if (status.attempt !== attempt) at = 0;
    attempt = status.attempt;
    const path = join(folder, `attempt-${Math.max(1, attempt)}-node-${node}.log`);
    const file = await open(path).catch(() => undefined); // The node has not started yet.
    if (file === undefined) return '';
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(BLOCK), 0, BLOCK, at);
      // A letter may have been written by half.
      const whole = bytesRead === BLOCK ? buffer.lastIndexOf(10) + 1 || bytesRead : bytesRead;
      at += whole;
      return buffer.toString('utf8', 0, whole);
    } finally {
      await file.close();
    }
  };
}

/** CloudWatch's stream of the node's container, which Batch names once it has started. */
function cloudWatchSource({ logs, batch }: LiveSystem, node: number): NodeLogSource {
  let stream: string | undefined;
  let token: string | undefined;
  return async ({ jobId }) => {
    if (logs === undefined || jobId === null) return '';
    const { jobs = [] } = await (await batch()).describeJobs({ jobs: [`${jobId}#${node}`] });
    const name = jobs[0]?.container?.logStreamName;
    if (name === undefined) return '';
    // Each attempt of a job has a stream of its own.
    if (name !== stream) token = undefined;
    stream = name;
    const client = await logs.client();
    const { events = [], nextForwardToken } = await client.send(
      new GetLogEventsCommand({
        logGroupName: logs.group,
        logStreamName: name,
        startFromHead: true,
        nextToken: token,
      }),
    );
    token = nextForwardToken;
    return events.map(({ message = '' }) => `${message}\n`).join('');
  };
}
