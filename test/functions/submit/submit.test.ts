import { describe, expect, it } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { executionArn } from '../../../experiment/run/execution.ts';
import { awsError, controlPlane, failureOf, MANIFEST, STATE_MACHINE } from '../../support/control-plane.ts';
import { hooked } from '../../support/hostile-ports.ts';

/** A run whose execution exists and whose first call of submit was made. */
async function started(...options: Parameters<typeof controlPlane>) {
  const plane = await controlPlane(...options);
  const { runId } = await plane.start();
  const control = () => plane.json(runKeys(runId).control);
  const jobs = () => plane.localBatch.allJobs();
  return { ...plane, runId, control, jobs };
}

describe('submit', () => {
  it('stores the token with its retry count and submits the run as one job', async () => {
    const { control, jobs, runId, log } = await started();
    const { token, job, submitting } = await control();
    expect(token).toMatchObject({ retryCount: 0, value: expect.any(String) });
    expect(submitting).toBeUndefined();
    expect(jobs().map(({ id, name }) => ({ id, name }))).toEqual([{ id: Object(job).id, name: runId }]);
    expect(JSON.stringify(log)).not.toContain(Object(token).value);
  });

  it.each([{}, { runId: 'x', token: '' }, { runId: 'x', token: 't', retryCount: '0' }, 'hello'])(
    'refuses %j, which the state machine never sends',
    async (payload) => {
      const { submit } = await controlPlane();
      expect((await failureOf(submit(payload))).name).toBe('UnknownRecord');
    },
  );

  it('refuses a run that nobody claimed', async () => {
    const { submit } = await controlPlane();
    const failure = await failureOf(submit({ runId: 'a-00000000000', token: 't', retryCount: 0 }));
    expect(failure.name).toBe('UnknownRecord');
  });

  it('takes a token with a higher retry count; one that comes late does not put the old one back', async () => {
    const { submit, control, runId, jobs } = await started();
    await submit({ runId, token: 'second', retryCount: 1 });
    await submit({ runId, token: 'fourth', retryCount: 3 });
    await submit({ runId, token: 'third, late', retryCount: 2 });
    await submit({ runId, token: 'fourth', retryCount: 3 });
    expect((await control()).token).toEqual({ value: 'fourth', retryCount: 3 });
    expect(jobs()).toHaveLength(1);
  });

  it('refuses a redrive: another token with the same count, or any once the run has ended', async () => {
    const { submit, control, runId, nodes, tick } = await started();
    const before = (await control()).token;
    const redriven = { runId, token: 'redriven', retryCount: 0 };
    expect((await failureOf(submit(redriven))).message).toContain('redriven');
    expect((await control()).token).toEqual(before);
    nodes[0]?.exit({ exitCode: 0 });
    await tick(3);
    for (const retryCount of [0, 5]) {
      const failure = await failureOf(submit({ ...redriven, retryCount }));
      expect(failure).toMatchObject({
        name: 'RunRefused',
        message: expect.stringContaining('cannot be driven again'),
      });
    }
  });

  it('whose token cannot be stored fails, so that the state is tried again; nothing else makes it fail', async () => {
    let failing: 'store' | 'submit' = 'store';
    const plane = await controlPlane({
      s3: (real) =>
        hooked(real, (command, call) => {
          const replaces = command.name === 'putObject' && command.input.IfMatch !== undefined;
          if (failing === 'store' && replaces && command.input.Key?.startsWith('control/'))
            throw awsError('InternalError', 500);
          return call();
        }),
      batch: (real) =>
        hooked(real, (command, call) => {
          if (failing === 'submit' && command.name === 'submitJob')
            throw awsError('TooManyRequestsException', 429);
          return call();
        }),
    });
    const { runId } = await plane.start();
    expect(plane.localBatch.allJobs()).toEqual([]);
    expect(plane.logged('Submit:Failed')).toMatchObject([{ fields: { family: 'transient' } }]);
    failing = 'submit';
    await plane.pass(60);
    const control = await plane.json(runKeys(runId).control);
    expect(control).toMatchObject({ token: { retryCount: 1 } });
    expect(control.submitting).toBeUndefined();
    expect(plane.record(runId)?.status).toBe('RUNNING');
  });
});

describe('the job of a run', () => {
  it('is asked for with everything that finds and fences it', async () => {
    const { jobs, runId, control } = await started();
    const [job] = jobs();
    expect(job?.input).toMatchObject({
      jobName: runId,
      nodeOverrides: { numNodes: 2, nodePropertyOverrides: [{ targetNodes: '0:' }] },
      retryStrategy: { attempts: 1, evaluateOnExit: [{}, {}, {}, { onReason: '*', action: 'EXIT' }] },
      tags: { 'sierra-batch:run': runId, 'sierra-batch:nonce': (await control()).jobNonce },
    });
  });

  it('does not wait for Step Functions to show the execution that asks for it', async () => {
    const plane = await controlPlane({
      states: (real) =>
        hooked(real, (command, call) => {
          if (command.name === 'describeExecution') throw awsError('ExecutionDoesNotExist', 400);
          return call();
        }),
    });
    await plane.start();
    expect(plane.localBatch.allJobs()).toHaveLength(1);
  });

  it('is one, however many copies of settle submit it at once', async () => {
    let throttled = true;
    const plane = await controlPlane({
      batch: (real) =>
        hooked(real, async (command, call) => {
          if (command.name !== 'submitJob') return call();
          if (throttled) throw awsError('TooManyRequestsException', 429);
          await plane.clock.sleep(5000);
          return call();
        }),
    });
    const { runId } = await plane.start();
    await plane.pass(20);
    expect(await plane.json(runKeys(runId).control)).not.toHaveProperty('submitting');
    throttled = false;
    const look = () => plane.settle({ source: 'aws.states', detail: { name: runId } });
    const copies = Promise.all([look(), look(), look(), look(), look()]);
    await plane.during(copies);
    await plane.tick(3);
    expect(plane.localBatch.allJobs()).toHaveLength(1);
  });

  it('that may still be on its way when the run is cancelled: the run is not closed before it must have come', async () => {
    const plane = await controlPlane({
      batch: (real) =>
        hooked(real, async (command, call) => {
          if (command.name === 'submitJob') await plane.clock.sleep(100_000);
          return call();
        }),
    });
    const { runId } = await plane.start();
    await plane.states.stopExecution({ executionArn: executionArn(STATE_MACHINE, runId) });
    await plane.tick();
    const control = () => plane.json(runKeys(runId).control);
    expect(await control()).toMatchObject({ stop: { cause: 'cancelled' }, submitting: {} });
    await plane.tick(3);
    expect(plane.localBatch.allJobs().map(({ status }) => status)).toEqual(['FAILED']);
    expect(await control()).toMatchObject({ closedAt: expect.any(Number), ended: { outcome: 'cancelled' } });
  });

  it('that Batch refuses ends the run at once, with Batch’s own words in the report', async () => {
    const plane = await controlPlane({
      batch: (real) =>
        hooked(real, (command, call) => {
          if (command.name === 'submitJob') throw awsError('ClientException', 400, 'no such queue');
          return call();
        }),
    });
    const { runId } = await plane.start();
    await plane.pass(60);
    expect(plane.record(runId)).toMatchObject({ status: 'FAILED', error: 'RunFailed' });
    const summary = await plane.json(runKeys(runId).summary);
    expect(summary).toMatchObject({ outcome: 'failed', why: expect.stringContaining('no such queue') });
  });

  it('that Batch throttles is submitted by the next who looks: no lease, no duplicate', async () => {
    let throttled = 6;
    const plane = await controlPlane({
      batch: (real) =>
        hooked(real, (command, call) => {
          if (command.name === 'submitJob' && throttled-- > 0)
            throw awsError('TooManyRequestsException', 429);
          return call();
        }),
    });
    const { runId } = await plane.start();
    await plane.tick(2);
    expect(plane.localBatch.allJobs()).toHaveLength(1);
    expect(await plane.json(runKeys(runId).control)).toMatchObject({ job: { id: expect.any(String) } });
  });

  it.each([
    ['was made although the answer was lost', true],
    ['was not made', false],
  ])('whose submission ended with an unknown result and %s is one in the end', async (_what, made) => {
    let lost = true;
    const plane = await controlPlane({
      listAfterMs: 90_000,
      batch: (real) =>
        hooked(real, async (command, call) => {
          if (command.name !== 'submitJob' || !lost) return call();
          lost = false;
          if (made) await call();
          throw awsError('InternalServerError', 500);
        }),
    });
    const { runId } = await plane.start();
    const control = () => plane.json(runKeys(runId).control);
    const submitting = Object((await control()).submitting);
    // Within the lease nobody touches it, whatever is said about the run.
    await plane.tick();
    await plane.settle({ source: 'aws.states', detail: { name: runId } });
    expect((await control()).submitting).toEqual(submitting);
    expect(plane.localBatch.allJobs()).toHaveLength(made ? 1 : 0);
    await plane.tick(3);
    const jobs = plane.localBatch.allJobs();
    expect(jobs).toHaveLength(1);
    expect(await control()).toMatchObject({ job: { id: jobs[0]?.id } });
  });

  it('is not submitted with credentials that ran out just then, and the run does not end for that', async () => {
    let expired = true;
    const plane = await controlPlane({
      batch: (real) =>
        hooked(real, (command, call) => {
          if (command.name === 'submitJob' && expired) {
            expired = false;
            throw awsError('ExpiredTokenException', 403);
          }
          return call();
        }),
    });
    const { runId } = await plane.start();
    await plane.tick(4);
    expect(plane.record(runId)?.status).toBe('RUNNING');
    expect(plane.localBatch.allJobs()).toHaveLength(1);
  });

  it('is not submitted for a run whose plan is gone: that run ends, in status, execution and record', async () => {
    const plane = await controlPlane();
    const event = await plane.put('manifests/sweep.yaml', MANIFEST);
    await plane.ingest(event);
    const [execution] = plane.localStates.records();
    const runId = execution?.name ?? '';
    await plane.put(runKeys(runId).plan, '{"version":');
    await plane.pass(10);
    await plane.tick(3);
    expect(plane.localBatch.allJobs()).toEqual([]);
    expect(plane.record(runId)).toMatchObject({ status: 'FAILED', error: 'RunFailed' });
    expect(await plane.json(runKeys(runId).status)).toMatchObject({ state: 'failed' });
    expect(await plane.json(runKeys(runId).control)).toMatchObject({ closedAt: expect.any(Number) });
  });
});
