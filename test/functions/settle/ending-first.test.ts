import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { MAX_COLLECTS } from '../../../experiment/records/control.ts';
import { parseStatus } from '../../../experiment/records/status.ts';
import { executionArn } from '../../../experiment/run/execution.ts';
import { advance, visitRun } from '../../../functions/settle/advance-run.ts';
import { conclude } from '../../../functions/settle/settle-run.ts';
import { statusChangeEvent } from '../../../local/aws/states/status-change-event.ts';
import { at } from '../../../scripts/check-aws/template/json.ts';
import { readTemplate } from '../../../scripts/check-aws/template/read.ts';
import { awsError, controlPlane, hooked, MANIFEST, STATE_MACHINE } from '../../support/control-plane.ts';

type Options = NonNullable<Parameters<typeof controlPlane>[0]>;

async function running(options: Options = {}) {
  broken = false;
  const plane = await controlPlane(options);
  const { runId } = await plane.start();
  await plane.tick();
  broken = true;
  const cancel = () =>
    plane.localStates.stopExecution({ executionArn: executionArn(STATE_MACHINE, runId), cause: 'lunch' });
  const jobs = () => plane.localBatch.allJobs().map(({ status }) => status);
  return { ...plane, runId, its: runKeys(runId), cancel, jobs };
}

/** What S3 says of an object that a task encrypted with a key of its own. */
const UNREADABLE: [string, number] = ['InvalidRequest', 400];

let broken = false;

/** A bucket that fails at this operation on keys like this, once the run's job is there. */
function failing(
  operation: 'getObject' | 'putObject' | 'listObjectsV2',
  keys: RegExp,
  error: [string, number] = ['InternalError', 500],
): Options {
  return {
    s3: (real) =>
      hooked(real, (command, call) => {
        const { Key = '', Prefix = Key } = Object(command.input);
        if (broken && command.name === operation && keys.test(Prefix)) throw awsError(...error);
        return call();
      }),
  };
}

describe('a run that is cancelled has no job within a minute and is closed, though', () => {
  it.each<[string, Options]>([
    ['its status cannot be written', failing('putObject', /status\.json$/)],
    ['its events cannot be listed', failing('listObjectsV2', /\/events\//)],
  ])('%s', async (_what, options) => {
    const plane = await running(options);
    await plane.cancel();
    await plane.tick();
    expect(plane.jobs()).toEqual(['FAILED']);
    // An hour in which no try counts, all tries, and an hour in which the end is noted again.
    await plane.pass(3600);
    await plane.tick(MAX_COLLECTS + 3);
    await plane.pass(3600);
    await plane.tick(3);
    expect(await plane.json(plane.its.control)).toMatchObject({
      closedAt: expect.any(Number),
      ended: { outcome: 'cancelled', headline: expect.stringMatching(/./) },
    });
    expect(plane.logged('Run:NotObserved').length).toBeGreaterThan(0);
    expect(plane.logged('metric FunctionFailed').length).toBeGreaterThan(0);
  });

  it.each<[string, Options]>([
    [
      'EventBridge takes nothing',
      { events: () => ({ putEvents: () => Promise.reject(awsError('InternalException', 500)) }) },
    ],
  ])('%s, which is tried for three hours', async (_what, options) => {
    const plane = await running(options);
    await plane.cancel();
    await plane.tick();
    expect(plane.jobs()).toEqual(['FAILED']);
    await plane.tick(181);
    expect(await plane.json(plane.its.control)).toMatchObject({ closedAt: expect.any(Number) });
  });
});

it('an event of its end moves a run on as well before anything is written of it', async () => {
  const plane = await running(failing('putObject', /events|status\.json$/));
  await plane.cancel();
  const execution = plane.record(plane.runId);
  if (execution === undefined) throw new Error('no execution');
  await plane.during(plane.settle(statusChangeEvent(execution, 'id', plane.clock.now())));
  expect(plane.jobs()).toEqual(['FAILED']);
});

it('a run that another copy closes meanwhile has the states told that only this one saw', async () => {
  const plane = await controlPlane();
  const { runId } = await plane.start();
  const visit = visitRun(plane.deps, runId);
  await plane.during(advance(visit));
  await plane.localStates.stopExecution({ executionArn: executionArn(STATE_MACHINE, runId), cause: 'lunch' });
  await plane.during(advance(visit));
  for (const node of plane.nodes) node.exit({ exitCode: 1 });
  await plane.pass(60);
  const standing = await plane.during(advance(visit));
  if (standing?.step.do !== 'collect') throw new Error('there is nothing to collect');
  await plane.tick(5);
  const its = runKeys(runId);
  expect(await plane.json(its.control)).toMatchObject({ closedAt: expect.any(Number) });
  await plane.during(conclude(visit, standing));
  const { entered = [] } = parseStatus(await plane.text(its.status)) ?? {};
  expect(plane.told.map(({ detail }) => Object(detail).state)).toEqual(
    expect.arrayContaining(entered.map(({ state }) => state)),
  );
  expect(entered.map(({ state }) => state)).toContain('joining');
});

describe('a run whose folder nobody can sum up', () => {
  it('ends without a report, with what is known, after a bounded number of tries', async () => {
    const plane = await running(failing('getObject', /joblog\.tsv$/, UNREADABLE));
    plane.nodes[0]?.exit({ exitCode: 1 });
    await plane.tick(15);
    expect(plane.record(plane.runId)).toMatchObject({ status: 'FAILED', error: 'RunFailed' });
    expect(await plane.json(plane.its.control)).toMatchObject({
      closedAt: expect.any(Number),
      ended: {
        outcome: 'failed',
        headline: 'Ended without a report.',
        why: expect.stringMatching(/exit code 1/),
      },
    });
    expect(await plane.json(plane.its.status)).toMatchObject({
      state: 'failed',
      headline: 'Ended without a report.',
    });
    expect(plane.told.map(({ detail }) => Object(detail).state)).toContain('failed');
  });

  it('is not left with a summary and a report of an earlier try that say otherwise', async () => {
    let written = false;
    const plane = await running({
      s3: (real) =>
        hooked(real, async (command, call) => {
          const { Key = '' } = Object(command.input);
          if (written && command.name === 'getObject' && Key.endsWith('joblog.tsv'))
            throw awsError(...UNREADABLE);
          const answer = await call();
          if (written || command.name !== 'putObject' || !Key.endsWith('report.html')) return answer;
          written = true;
          throw awsError('InternalError', 500);
        }),
    });
    plane.nodes[0]?.exit({ exitCode: 0 });
    await plane.tick();
    await plane.pass(1);
    expect(await plane.json(plane.its.summary)).toMatchObject({ outcome: 'succeeded' });
    await plane.cancel();
    await plane.tick(15);
    const said = { headline: 'Ended without a report.', why: expect.stringContaining('lunch') };
    expect(await plane.json(plane.its.status)).toMatchObject({ state: 'cancelled', ...said });
    expect(await plane.json(plane.its.summary)).toMatchObject({ outcome: 'cancelled', ...said });
    const report = await plane.text(plane.its.report);
    expect(report).toContain('Ended without a report');
    expect(report).not.toContain('Succeeded');
  });

  it('has its tries counted before any of it is read: a function that is killed over it is as good as one that fails', async () => {
    const plane = await running(failing('getObject', /joblog\.tsv$/, UNREADABLE));
    const tries: unknown[] = [];
    plane.nodes[0]?.exit({ exitCode: 0 });
    for (let minute = 0; minute < 3; minute += 1) {
      await plane.tick();
      tries.push(Object((await plane.json(plane.its.control)).collects).tries);
    }
    expect(tries[0]).toBeGreaterThan(0);
  });

  it('raises the alarm that the template has for it, which one failure alone does not', async () => {
    const plane = await running(failing('getObject', /control\/sweep/));
    const before = plane.logged('metric FunctionFailed').length;
    await plane.tick(5);
    const counted = plane.logged('metric FunctionFailed').length - before;
    const template = readTemplate(readFileSync(new URL('../../../template.yaml', import.meta.url), 'utf8'));
    const alarm = Object(at(template, 'Resources', 'FunctionFailedAlarm', 'Properties'));
    expect(alarm).toMatchObject({
      MetricName: 'FunctionFailed',
      Statistic: 'Sum',
      Period: 300,
      EvaluationPeriods: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      AlarmActions: [{ Ref: 'Topic' }],
    });
    expect(counted).toBeGreaterThanOrEqual(alarm.Threshold);
    expect(alarm.Threshold).toBeGreaterThan(1);
  });
});

it('the minute’s look moves every run on before it collects any, and collects one after the other', async () => {
  const order: string[] = [];
  const plane = await controlPlane({
    batch: (real) =>
      hooked(real, (command, call) => {
        if (command.name === 'terminateJob') order.push('terminate');
        return call();
      }),
    s3: (real) =>
      hooked(real, async (command, call) => {
        const { Key = '' } = Object(command.input);
        if (command.name !== 'getObject' || !Key.endsWith('joblog.tsv')) return call();
        order.push('collect');
        const found = await call();
        return found;
      }),
  });
  const runs = [];
  // More than are moved on side by side.
  for (const name of 'abcdefghijkl')
    runs.push(await plane.start(MANIFEST.replace('sweep', name), `manifests/${name}.yaml`));
  await plane.tick();
  for (const { runId } of runs)
    await plane.localStates.stopExecution({ executionArn: executionArn(STATE_MACHINE, runId), cause: '' });
  const [first] = plane.nodes;
  first?.exit({ exitCode: 0 });
  await plane.pass(1);
  await plane.tick();
  expect(order.slice(0, 11)).toEqual(Array(11).fill('terminate'));
  expect(order.slice(11)).toContain('collect');
});
