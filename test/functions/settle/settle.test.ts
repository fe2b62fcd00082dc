import { describe, expect, it } from 'vitest';
import { submitJobRequest } from '../../../experiment/batch/submit-request.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { executionArn } from '../../../experiment/run/execution.ts';
import type { ControlPlane } from '../../support/control-plane.ts';
import { awsError, controlPlane, MANIFEST, STATE_MACHINE } from '../../support/control-plane.ts';
import { hooked } from '../../support/hostile-ports.ts';

const LONG = MANIFEST.replace('run: 2h', 'run: 20h');

async function running(options: Parameters<typeof controlPlane>[0] = {}, manifest = MANIFEST) {
  const plane = await controlPlane(options);
  const { runId } = await plane.start(manifest);
  const keys = runKeys(runId);
  const said = async () => ({
    status: (await plane.json(keys.status)).state,
    execution: plane.record(runId)?.status,
    jobs: plane.localBatch.allJobs().map(({ status }) => status),
  });
  /** A second job of the same run, as a call whose answer was lost for long would make it. */
  const duplicate = async () => {
    const plan = JSON.parse(await plane.text(keys.plan));
    const { jobNonce } = await plane.json(keys.control);
    const { jobId = '' } = await plane.localBatch.submitJob(
      submitJobRequest(plan, plane.deps.deployment, { nonce: String(jobNonce), planSha256: undefined }),
    );
    await plane.pass(0.01);
    return jobId;
  };
  const jobOf = (id: string) => plane.localBatch.allJobs().find((job) => job.id === id);
  return {
    ...plane,
    runId,
    its: keys,
    said,
    duplicate,
    jobOf,
    firstJob: plane.localBatch.allJobs()[0]?.id ?? '',
  };
}

/** What node 0 writes. */
function progress(plane: ControlPlane, jobId: string, more: object = {}) {
  const at = new Date(plane.clock.now()).toISOString();
  return JSON.stringify({
    runId: 'r',
    jobId,
    attempt: 1,
    phase: 'running',
    at,
    startedAt: at,
    tasksStartedAt: at,
    nodes: { expected: 2, joined: 2, lost: 0 },
    tasks: { total: 2, succeeded: 0, failed: 0, retried: 0, lost: 0, running: 2 },
    slots: 4,
    nodeHours: 0.1,
    rate: 1,
    ...more,
  });
}

describe('an event', () => {
  it('is only a reason to look: what it says is not believed', async () => {
    const { settle, runId, firstJob, said } = await running();
    await settle({ source: 'aws.batch', detail: { jobName: runId, jobId: firstJob, status: 'FAILED' } });
    await settle({ source: 'aws.states', detail: { name: runId, status: 'ABORTED' } });
    expect(await said()).toEqual({ status: 'joining', execution: 'RUNNING', jobs: ['RUNNING'] });
  });

  it.each([
    { source: 'aws.batch', detail: { jobName: 'somebody-elses', jobId: 'x' } },
    { source: 'aws.batch', detail: { jobQueue: 'q' } },
    { source: 'aws.states', detail: { name: 'other-00000000000' } },
    { source: 'aws.s3', detail: {} },
    null,
  ])('%j of something else ends quietly', async (event) => {
    const { settle, keys } = await controlPlane();
    await settle(event);
    expect(await keys('')).toEqual([]);
  });

  it('of a node (`<job>#<n>`) is one of its job', async () => {
    const { settle, runId, firstJob, nodes, pass, said } = await running();
    nodes[0]?.exit({ exitCode: 0 });
    await pass(0.01);
    await settle({ source: 'aws.batch', detail: { jobName: runId, jobId: `${firstJob}#1` } });
    await pass(1);
    expect(await said()).toEqual({ status: 'succeeded', execution: 'SUCCEEDED', jobs: ['SUCCEEDED'] });
  });

  it('that is lost is made good by the schedule, and one run’s trouble is not another’s', async () => {
    let broken = '';
    const plane = await running({
      s3: (real) =>
        hooked(real, (command, call) => {
          if (broken !== '' && JSON.stringify(command.input).includes(broken))
            throw awsError('InternalError', 500);
          return call();
        }),
    });
    const other = await plane.start(MANIFEST.replace('sweep', 'other'), 'manifests/other.yaml');
    broken = plane.its.control;
    for (const node of plane.nodes) node.exit({ exitCode: 0 });
    await plane.tick(2);
    expect(plane.record(other.runId)?.status).toBe('SUCCEEDED');
    expect(plane.record(plane.runId)?.status).toBe('RUNNING');
    expect(plane.logged('Run:NotSettled').length).toBeGreaterThan(0);
    broken = '';
    await plane.tick(2);
    expect(plane.record(plane.runId)?.status).toBe('SUCCEEDED');
  });
});

describe('two jobs of one run', () => {
  it('before either took the fence: it is closed for the duplicate, which is dead within two minutes', async () => {
    const { duplicate, firstJob, tick, jobOf, json, its, said } = await running();
    const second = await duplicate();
    await tick(2);
    expect(jobOf(second)?.status).toBe('FAILED');
    expect(jobOf(firstJob)?.status).toBe('RUNNING');
    expect(await json(its.owner)).toMatchObject({ jobId: firstJob, attempt: 0 });
    expect(await said()).toMatchObject({ status: 'joining', execution: 'RUNNING' });
  });

  it('when the duplicate took the fence: it is followed, and the first one is terminated', async () => {
    const { duplicate, firstJob, tick, jobOf, json, its, put, nodes, said } = await running();
    const second = await duplicate();
    await put(its.owner, JSON.stringify({ jobId: second, attempt: 1, nonce: 'n' }));
    await tick(2);
    expect(await json(its.control)).toMatchObject({ job: { id: second } });
    expect([jobOf(firstJob)?.status, jobOf(second)?.status]).toEqual(['FAILED', 'RUNNING']);
    nodes.find(({ spec }) => spec.jobId === second && spec.isMain)?.exit({ exitCode: 0 });
    await tick(2);
    expect(await said()).toMatchObject({ status: 'succeeded', execution: 'SUCCEEDED' });
    expect(await json(its.summary)).toMatchObject({ outcome: 'succeeded' });
  });

  it('a job that exits 6 ends no run, even while Batch does not show the owner yet', async () => {
    const hidden = new Set<string>();
    const plane = await running({
      batch: (real) =>
        hooked(real, async (command, call) => {
          const answer = await call();
          if (command.name !== 'describeJobs') return answer;
          const jobs: { jobId: string }[] = Object(answer).jobs;
          return { ...Object(answer), jobs: jobs.filter(({ jobId }) => !hidden.has(jobId)) };
        }),
    });
    const { duplicate, tick, its, put, nodes, said } = plane;
    const second = await duplicate();
    hidden.add(second);
    await put(its.owner, JSON.stringify({ jobId: second, attempt: 1, nonce: 'n' }));
    nodes[0]?.exit({ exitCode: 6 });
    await tick(2);
    expect(await said()).toMatchObject({ status: 'collecting', execution: 'RUNNING' });
    hidden.clear();
    nodes.find(({ spec }) => spec.jobId === second && spec.isMain)?.exit({ exitCode: 0 });
    await tick(3);
    expect(await said()).toMatchObject({ status: 'succeeded', execution: 'SUCCEEDED' });
  });

  it('an owner.json that cannot be read keeps no duplicate alive', async () => {
    const { duplicate, put, its, tick, jobOf, json, firstJob } = await running();
    const second = await duplicate();
    await put(its.owner, '{"jobId":');
    await tick(2);
    expect(jobOf(second)?.status).toBe('FAILED');
    expect(await json(its.owner)).toMatchObject({ jobId: firstJob });
  });

  it('a job of the same name without the run’s nonce is somebody else’s and is left alone', async () => {
    const { localBatch, tick, jobOf, its, text, deps, firstJob } = await running();
    const { jobId = '' } = await localBatch.submitJob(
      submitJobRequest(JSON.parse(await text(its.plan)), deps.deployment, {
        nonce: 'another nonce',
        planSha256: undefined,
      }),
    );
    await tick(2);
    expect(jobOf(jobId)?.status).toBe('RUNNING');
    expect(jobOf(firstJob)?.status).toBe('RUNNING');
  });

  it('a job that shows after the end of its run is terminated', async () => {
    const { nodes, tick, duplicate, jobOf, json, its } = await running();
    nodes[0]?.exit({ exitCode: 0 });
    await tick(3);
    expect(await json(its.control)).toHaveProperty('closedAt');
    const late = await duplicate();
    await tick(1);
    await tick(1);
    expect(jobOf(late)?.status).toBe('FAILED');
  });
});

it('a run that another copy has moved on just as it was to be closed stays open until that has ended, too', async () => {
  let meanwhile: (() => Promise<unknown>) | undefined;
  const plane = await running({
    s3: (real) =>
      hooked(real, async (command, call) => {
        const isClosing = command.name === 'putObject' && String(command.input.Body).includes('"closedAt"');
        const other = isClosing ? meanwhile : undefined;
        if (other !== undefined) {
          meanwhile = undefined;
          await other();
        }
        return call();
      }),
  });
  const { nodes, tick, its, json, put, duplicate, keys } = plane;
  let second = '';
  meanwhile = async () => {
    second = await duplicate();
    const control = await json(its.control);
    await put(
      its.control,
      JSON.stringify({ ...control, job: { id: second, knownSince: plane.clock.now() } }),
    );
  };
  nodes[0]?.exit({ exitCode: 0 });
  await tick(2);
  expect(second).not.toBe('');
  expect(await keys('control/open/')).toHaveLength(1);
  nodes.find(({ spec }) => spec.jobId === second && spec.isMain)?.exit({ exitCode: 0 });
  await tick(3);
  expect(await json(its.control)).toHaveProperty('closedAt');
});

it('a run is not closed while S3 does not answer for its status, which may hold what nobody was told of', async () => {
  let [isCollected, isAway] = [false, true];
  const { nodes, tick, its, json } = await running({
    s3: (real) =>
      hooked(real, (command, call) => {
        if (command.name === 'putObject') isCollected ||= String(command.input.Body).includes('"writtenAt"');
        const isStatus = command.name === 'getObject' && command.input.Key?.endsWith('/status.json') === true;
        if (isStatus && isCollected && isAway) throw awsError('InternalError', 500);
        return call();
      }),
  });
  nodes[0]?.exit({ exitCode: 0 });
  await tick(3);
  expect(isCollected).toBe(true);
  isAway = false;
  expect(await json(its.control)).not.toHaveProperty('closedAt');
  await tick(1);
  expect(await json(its.control)).toHaveProperty('closedAt');
});

describe('the end of an execution', () => {
  const stop = (plane: ControlPlane, runId: string) =>
    plane.states.stopExecution({ executionArn: executionArn(STATE_MACHINE, runId), cause: 'enough' });

  it('that was stopped terminates the job, collects once it is dead, and closes the record', async () => {
    const plane = await running({ ignoreTerm: true });
    await stop(plane, plane.runId);
    const ended = plane.settle({ source: 'aws.states', detail: { name: plane.runId } });
    await plane.during(ended);
    // Told to end, not dead: its nodes have 30 seconds, and nothing is summed up before.
    expect(await plane.json(plane.its.control)).toMatchObject({ stop: { cause: 'cancelled' } });
    expect(plane.localBatch.liveJobs()).toHaveLength(1);
    expect(await plane.keys(plane.its.summary)).toEqual([]);
    await plane.tick(3);
    expect(plane.localBatch.liveJobs()).toEqual([]);
    expect(await plane.said()).toMatchObject({ status: 'cancelled', execution: 'ABORTED' });
    expect(await plane.json(plane.its.summary)).toMatchObject({ outcome: 'cancelled' });
    const control = await plane.json(plane.its.control);
    expect(control).toHaveProperty('closedAt');
    expect(control).not.toHaveProperty('token');
  });

  it('whose event is lost is found by the schedule, from the job that lives', async () => {
    const plane = await running();
    await stop(plane, plane.runId);
    await plane.tick(3);
    expect(await plane.said()).toEqual({ status: 'cancelled', execution: 'ABORTED', jobs: ['FAILED'] });
  });

  it('before any job was submitted ends the run without one', async () => {
    const plane = await controlPlane();
    const event = await plane.put('manifests/sweep.yaml', MANIFEST);
    await plane.ingest(event);
    const runId = plane.localStates.records()[0]?.name ?? '';
    await stop(plane, runId);
    await plane.tick(3);
    expect(plane.localBatch.liveJobs()).toEqual([]);
    expect(await plane.json(runKeys(runId).status)).toMatchObject({ state: 'cancelled' });
  });

  it('a dead token does no harm', async () => {
    const plane = await running({
      states: (real) =>
        hooked(real, (command, call) => {
          if (command.name === 'sendTaskSuccess') throw awsError('TaskTimedOut', 400);
          return call();
        }),
    });
    plane.nodes[0]?.exit({ exitCode: 0 });
    await plane.tick();
    expect(plane.logged('Token:Dead')).toHaveLength(1);
    expect(plane.logged('Run:NotSettled')).toEqual([]);
  });
});

describe('the state Stop', () => {
  it('is told StillStopping until the job is dead, and by then the run is cancelled or timed out as it was said', async () => {
    const { settle, runId, during, pass, json, its, localBatch } = await running({ ignoreTerm: true });
    const told = { stop: runId, error: { Error: 'States.Timeout', Cause: '' } };
    await expect(during(settle(told))).rejects.toMatchObject({ name: 'StillStopping' });
    await expect(during(settle(told))).rejects.toMatchObject({ name: 'StillStopping' });
    await pass(70);
    await settle(told);
    expect(localBatch.liveJobs()).toEqual([]);
    expect(await json(its.control)).toMatchObject({ stop: { cause: 'timed-out', because: 'deadline' } });
  });

  it.each([undefined, null, {}, { Error: 'RunRefused', Cause: null }, { Error: 5, Cause: [] }])(
    'ends the run whatever the error is that led to it: %j',
    async (error) => {
      const { settle, runId, during, localBatch } = await running();
      await during(settle({ stop: runId, error }));
      expect(localBatch.liveJobs()).toEqual([]);
    },
  );

  it.each([
    [0, 'succeeded', 'SUCCEEDED'],
    [1, 'failed', 'FAILED'],
  ])('leaves a run its own end that had ended with %d before it was told', async (exitCode, status, job) => {
    const { settle, runId, nodes, during, pass, tick, json, its, localBatch } = await running();
    nodes[0]?.exit({ exitCode });
    await pass(0.01);
    expect(localBatch.liveJobs()).toEqual([]);
    await during(settle({ stop: runId, error: { Error: 'Lambda.Unknown', Cause: 'Collect broke' } }));
    await tick(3);
    expect(await json(its.control)).not.toHaveProperty('stop');
    expect(await json(its.summary)).toMatchObject({ outcome: status });
    expect(localBatch.allJobs().map((one) => one.status)).toEqual([job]);
  });

  it('changes nothing of a run whose end was decided, also when Batch has forgotten its job', async () => {
    const { settle, runId, during, json, put, its } = await running();
    const ended = { at: 1, outcome: 'succeeded', headline: '', why: '', next: '', writtenAt: 1 };
    const job = { id: 'forgotten', knownSince: 1 };
    await put(its.control, JSON.stringify({ ...(await json(its.control)), job, ended }));
    await during(settle({ stop: runId, error: { Error: 'Lambda.Unknown', Cause: '' } })).catch(
      () => undefined,
    );
    expect(await json(its.control)).not.toHaveProperty('stop');
  });

  it.each(['ended', 'closedAt'] as const)('changes nothing of a run whose record says %s', async (what) => {
    const { settle, runId, nodes, during, tick, json, its } = await running();
    nodes[0]?.exit({ exitCode: 0 });
    await tick(4);
    expect(await json(its.control)).toHaveProperty(what);
    await during(settle({ stop: runId, error: { Error: 'States.Timeout', Cause: '' } }));
    expect(await json(its.control)).not.toHaveProperty('stop');
    expect(await json(its.summary)).toMatchObject({ outcome: 'succeeded' });
  });

  it('says why once: a later error changes nothing of it', async () => {
    const { settle, runId, during, json, its } = await running({ ignoreTerm: true });
    const stop = (name: string) => during(settle({ stop: runId, error: { Error: name, Cause: 'x' } }));
    await expect(stop('First')).rejects.toMatchObject({ name: 'StillStopping' });
    await expect(stop('Second')).rejects.toMatchObject({ name: 'StillStopping' });
    expect(await json(its.control)).toMatchObject({ stop: { why: 'First: x' } });
  });

  it('terminates once in a call, not at every look', async () => {
    let terminated = 0;
    const { settle, runId, during } = await running({
      batch: (real) =>
        hooked(real, (command, call) => {
          // As on AWS, where it shows later.
          if (command.name !== 'terminateJob') return call();
          terminated += 1;
          return {};
        }),
    });
    await expect(during(settle({ stop: runId, error: {} }))).rejects.toMatchObject({ name: 'StillStopping' });
    expect(terminated).toBe(1);
  });
});

describe('the limits of a run', () => {
  it('time in the queue, with the reason that Batch gives shown while it waits', async () => {
    const { tick, said, json, its, record, runId } = await running({
      capacityHook: () => ({
        reason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no instance',
        until: new Promise(() => undefined),
      }),
    });
    await tick();
    const waiting = await json(its.status);
    expect(waiting).toMatchObject({ state: 'queued' });
    expect(`${waiting.headline} ${waiting.why}`).toMatch(/capacity|instances?/i);
    await tick(57);
    expect(await said()).toMatchObject({ status: 'queued', execution: 'RUNNING' });
    await tick(6);
    expect(await said()).toEqual({ status: 'timed-out', execution: 'FAILED', jobs: ['FAILED'] });
    expect(record(runId)).toMatchObject({ error: 'RunTimedOut' });
  });

  it('the budget, when node 0 does not keep it', async () => {
    const plane = await running({}, `${LONG}budget: {maxNodeHours: 1}\n`);
    const spend = async (minutes: number, nodeHours: number) => {
      for (let minute = 0; minute < minutes; minute += 1) {
        await plane.put(plane.its.progress, progress(plane, plane.firstJob, { nodeHours }));
        await plane.tick();
      }
    };
    // What node 0's record says of it is a task's word as well.
    await spend(29, 1000);
    expect(await plane.said()).toMatchObject({ execution: 'RUNNING' });
    await spend(11, 0);
    expect(await plane.said()).toEqual({ status: 'failed', execution: 'FAILED', jobs: ['FAILED'] });
    expect(await plane.json(plane.its.control)).toMatchObject({ stop: { because: 'budget' } });
  });

  it('silence: of a node 0 that never spoke, and of one that stopped', async () => {
    for (const speaks of [false, true]) {
      const plane = await running({}, LONG);
      for (let minute = 0; minute < 14; minute += 1) {
        if (speaks)
          await plane.put(
            plane.its.progress,
            progress(plane, plane.firstJob, { at: '9999-01-01T00:00:00.000Z' }),
          );
        await plane.tick();
      }
      expect(await plane.said()).toMatchObject({ execution: 'RUNNING' });
      await plane.tick(speaks ? 17 : 4);
      expect(await plane.said(), `speaks: ${speaks}`).toMatchObject({
        status: 'failed',
        execution: 'FAILED',
      });
      expect(await plane.json(plane.its.control)).toMatchObject({ stop: { because: 'silent' } });
    }
  });

  it('the deadline of the whole, whatever keeps the rest from ending it', async () => {
    const plane = await running({ deployment: {} }, MANIFEST);
    // queue 1h + join 10m + run 2h + collect 15m
    for (let minute = 0; minute < 206; minute += 1) {
      await plane.put(plane.its.progress, progress(plane, plane.firstJob));
      await plane.tick();
    }
    expect(await plane.said()).toMatchObject({ status: 'timed-out', execution: 'FAILED' });
  });
});

describe('what tasks wrote over in the run’s folder', () => {
  it.each(['status', 'progress', 'plan', 'nodes', 'joblog', 'owner'] as const)(
    '%s: the run still ends, and what is recorded agrees',
    async (what) => {
      const { put, its, nodes, tick, said } = await running();
      await put(its[what], '{"phase":"running","at":"yesterday","events":7,"version":1');
      await put(`${its.events}junk.json`, '[]');
      await put(`${its.events}more.json`, '{{{');
      nodes[0]?.exit({ exitCode: 0 });
      await tick(3);
      expect(await said()).toEqual({ status: 'succeeded', execution: 'SUCCEEDED', jobs: ['SUCCEEDED'] });
    },
  );

  it('a progress with times that are none', async () => {
    const plane = await running();
    const junk = { startedAt: 'soon', tasksStartedAt: 5, tasksEndedAt: null };
    await plane.put(plane.its.progress, progress(plane, plane.firstJob, junk));
    plane.nodes[0]?.exit({ exitCode: 0 });
    await plane.tick(3);
    expect(await plane.said()).toMatchObject({ status: 'succeeded', execution: 'SUCCEEDED' });
  });
});
