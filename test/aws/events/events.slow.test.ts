import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { settleReason } from '../../../experiment/run/settle-trigger.ts';
import { droppedObjects } from '../../../functions/ingest/object-created.ts';
import type { BusEvent } from '../../../local/aws/events/bus.ts';
import { jobStateChangeEvent } from '../../../local/aws/events/services.ts';
import { statusChangeEvent } from '../../../local/aws/states/status-change-event.ts';
import { controlPlane } from '../../support/control-plane.ts';
import { eventSchemaFolder } from './schema-folder.ts';

/** Not one of the project's own packages: event-schema-folder.ts brings it. */
const REGISTRY = '@aws-cdk/aws-service-spec';

const definition = z.object({
  name: z.string(),
  properties: z.record(
    z.string(),
    z.object({ type: z.object({ type: z.string() }), required: z.boolean().optional() }),
  ),
});
type Fields = z.infer<typeof definition>['properties'];

/** By the type's name, as AWS's registry has it. */
const types = new Map<string, Fields>();
const seen: Record<string, BusEvent> = {};

beforeAll(async () => {
  const require = createRequire(join(await eventSchemaFolder(), 'x.js'));
  const { loadAwsServiceSpecSync } = require(REGISTRY);
  for (const entity of loadAwsServiceSpecSync().all('eventTypeDefinition')) {
    const read = definition.safeParse(entity);
    if (read.success) types.set(read.data.name, read.data.properties);
  }
  const plane = await controlPlane();
  const { event, runId } = await plane.start();
  const record = plane.record(runId);
  const [live] = plane.localBatch.liveJobs();
  const { jobs = [] } = await plane.localBatch.describeJobs({ jobs: [live?.id ?? ''] });
  const [detail] = jobs;
  if (record === undefined || detail === undefined) throw new Error('no run');
  seen.ObjectCreated = event;
  seen.BatchJobStateChange = jobStateChangeEvent(detail, 'id', 0);
  seen.StepFunctionsExecutionStatusChange = statusChangeEvent(record, 'id', 0);
});

/** What the registry does not say of a multi-node parent, or says of ended executions only. */
const EXPLAINED = [
  // Its own sample is of a single-node job; a multi-node parent has no container.
  'BatchJobStateChange lacks container',
  // AWS's documentation shows null while it runs.
  'StepFunctionsExecutionStatusChange.output is object',
  'StepFunctionsExecutionStatusChange.stopDate is object',
];
const JAVASCRIPT: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  array: 'object',
  ref: 'object',
  json: 'object',
};

function faults(type: string, value: object): string[] {
  return Object.entries(types.get(type) ?? {}).flatMap(([field, { type: kind, required }]) => {
    const own: unknown = Reflect.get(value, field);
    if (own === undefined) return required === true ? [`${type} lacks ${field}`] : [];
    const is = typeof own;
    return is === JAVASCRIPT[kind.type] ? [] : [`${type}.${field} is ${is}`];
  });
}

describe("events, by AWS's registry of schemas", () => {
  it.each(['ObjectCreated', 'BatchJobStateChange', 'StepFunctionsExecutionStatusChange'])(
    'our fake makes %s as the registry has it',
    (type) => {
      expect(types.get(type)).toBeDefined();
      const found = faults(type, seen[type]?.detail ?? {});
      expect(found.filter((fault) => !EXPLAINED.includes(fault))).toEqual([]);
    },
  );

  it('a field that nobody knows, and a missing optional one, change nothing', () => {
    const event = structuredClone(seen.ObjectCreated);
    const before = droppedObjects(event);
    expect(before).toHaveLength(1);
    expect(droppedObjects({ ...event, more: 1, detail: { ...event?.detail, more: {} } })).toEqual(before);
    const job = structuredClone(seen.BatchJobStateChange);
    const { jobId = '' } = Object(job?.detail);
    const reason = settleReason(job);
    expect(reason).toMatchObject({ kind: 'run', jobId });
    expect(settleReason({ ...job, detail: { ...job?.detail, more: 1, attempts: undefined } })).toEqual(
      reason,
    );
    // A node's own event is a reason to look at the job, whatever attempt or queue it tells of.
    for (const more of [{ jobId: `${jobId}#1` }, { jobQueue: 'arn:other' }, { attempts: [{}, {}] }])
      expect(settleReason({ ...job, detail: { ...job?.detail, ...more } })).toEqual(reason);
  });
});
