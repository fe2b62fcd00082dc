import { describe, expect, test } from 'vitest';
import {
  cleanJobRequests,
  ORDER_VARIABLE,
  readOrder,
  salvagedRun,
  salvageJobRequest,
} from '../../../experiment/batch/maintenance-job.ts';
import { isRunId } from '../../../experiment/layout/run-id.ts';

const deployment = {
  bucket: 'bucket',
  jobDefinition: 'node:3',
  queues: { default: { arn: 'arn:queue', maxvCpus: 64, fairShare: true } },
  defaultQueue: 'default',
  sharedFolder: '/mnt/efs',
};
const RUN = 'speed-sweep-0123456789a';

function variablesOf(request: ReturnType<typeof salvageJobRequest>) {
  const [override] = request.nodeOverrides?.nodePropertyOverrides ?? [];
  return override?.containerOverrides?.environment ?? [];
}

function orderOf(request: ReturnType<typeof salvageJobRequest>) {
  return readOrder(variablesOf(request).find(({ name }) => name === ORDER_VARIABLE)?.value ?? '');
}

describe('orders for shared storage', () => {
  test('a salvage is one node that is told its run, under a name that is no run’s', () => {
    const request = salvageJobRequest(RUN, deployment);

    expect(request.nodeOverrides?.numNodes).toBe(1);
    expect(request).toMatchObject({
      jobQueue: 'arn:queue',
      jobDefinition: 'node:3',
      shareIdentifier: 'maintenance',
      schedulingPriorityOverride: 0,
    });
    const queues = { default: { arn: 'arn:queue', maxvCpus: 64 } };
    expect(salvageJobRequest(RUN, { ...deployment, queues })).not.toHaveProperty(
      'schedulingPriorityOverride',
    );
    expect(orderOf(request)).toEqual({ ok: true, order: { kind: 'salvage', runId: RUN } });
    expect(isRunId(request.jobName ?? '')).toBe(false);
    expect(salvagedRun(request.jobName ?? '')).toBe(RUN);
    expect(salvagedRun(RUN)).toBeUndefined();
    expect(salvagedRun('salvage_anything')).toBeUndefined();
  });

  test('five hundred long run ids are shared among jobs that ECS takes', () => {
    const runIds = Array.from(
      { length: 500 },
      (_, index) => `${'r'.repeat(60)}-${String(index).padStart(11, '0')}`,
    );

    const requests = cleanJobRequests({ runIds, workspaces: ['w'], olderThanSeconds: 60 }, deployment, 'n');

    const orders = requests
      .map(orderOf)
      .flatMap((read) => (read.ok && read.order.kind === 'clean' ? [read.order] : []));
    expect(orders.flatMap((order) => order.runIds)).toEqual(runIds);
    expect(orders.map((order) => order.olderThanSeconds)).toEqual([
      60,
      ...orders.slice(1).map(() => undefined),
    ]);
    for (const request of requests) expect(JSON.stringify(variablesOf(request)).length).toBeLessThan(8192);
    expect(new Set(requests.map(({ jobName }) => jobName)).size).toBe(requests.length);
  });

  test.each([
    ['no JSON', 'salvage'],
    ['a path for a run', '{"kind":"salvage","runId":"../x"}'],
    ['a path for a workspace', '{"kind":"clean","runIds":[],"workspaces":["../.."]}'],
    ['an unknown key', '{"kind":"clean","runIds":[],"workspaces":[],"everything":true}'],
  ])('%s is no order', (_, text) => {
    expect(readOrder(text).ok).toBe(false);
  });
});
