import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import { awsError, controlPlane, MANIFEST } from '../../support/control-plane.ts';
import { hooked } from '../../support/hostile-ports.ts';
import { runSeed } from '../../worlds/simulation/run-seed.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../docs/schema/state-change-event.schema.json', import.meta.url), 'utf8'),
);
// Formats are for people; ajv knows none by itself.
const ajv = new Ajv({ allErrors: true, formats: { 'date-time': true } });
const isEvent = ajv.compile(schema);
const isDetail = ajv.compile(schema.properties.detail);
const WANTS_ALL = `${MANIFEST}notify: [rejected, stuck, failed, succeeded, cancelled, timed-out]\n`;

it('a run tells each of its states once, as the schema says, and the end to its people', async () => {
  const plane = await controlPlane();
  const { runId } = await plane.start(WANTS_ALL);
  plane.nodes[0]?.exit({ exitCode: 0 });
  await plane.tick(4);
  for (const event of plane.told) expect(isEvent(event), JSON.stringify(isEvent.errors)).toBe(true);
  const ids = plane.told.map(({ detail }) => detail.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toContain(`${runId}/submitted`);
  expect(ids.at(-1)).toBe(`${runId}/succeeded`);
  expect(plane.mails).toHaveLength(1);
  expect(plane.mails[0]?.subject).toMatch(/^✔ sweep succeeded: 0 of 2 tasks in no time, [\d.]+ node-hours?$/);
  expect(plane.mails[0]?.body).toContain(`sierra-batch report ${runId} --open`);
  expect(plane.mails[0]?.body).toContain('https://eu-central-1.console.aws.amazon.com/s3/object/lab');
  expect(plane.logged('metric RunSucceeded')).toHaveLength(1);
  expect(plane.measured.map(([figure]) => figure)).toEqual(
    expect.arrayContaining(['NodeHours', 'TasksFailed']),
  );
});

it('nobody is written to of what the manifest does not name', async () => {
  const plane = await controlPlane();
  await plane.start(`${MANIFEST}notify: [succeeded]\n`);
  plane.nodes[0]?.exit({ exitCode: 1 });
  await plane.tick(4);
  expect(plane.told.at(-1)?.detail).toMatchObject({ state: 'failed' });
  expect(plane.mails).toEqual([]);
});

it('a rejected manifest is told once, however often it is delivered', async () => {
  const plane = await controlPlane();
  const event = await plane.put('manifests/sweep.yaml', WANTS_ALL.replace('nodes: 2', 'nodes: 0'));
  await plane.ingest(event);
  await plane.ingest(event);
  expect(plane.told.map((one) => isEvent(one) && one.detail.state)).toEqual(['rejected']);
  expect(plane.mails.map(({ subject }) => subject)).toEqual(['✘ sweep.yaml was rejected: 1 fault']);
});

it('a manifest that cannot be read is mailed, and the mail does not say that it asked for it', async () => {
  const plane = await controlPlane();
  await plane.ingest(await plane.put('manifests/sweep.yaml', '{'));
  expect(plane.mails.map(({ body }) => body)).toEqual([
    expect.stringContaining('`rejected` under `notify`, or is too broken to say.'),
  ]);
});

it('a run that gets no machines is stuck: told once, however long it waits', async () => {
  const plane = await controlPlane({
    capacityHook: () => ({
      reason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - none',
      until: new Promise<void>(() => undefined),
    }),
  });
  const { runId } = await plane.start(WANTS_ALL);
  await plane.tick(28);
  expect(plane.mails).toEqual([]);
  await plane.tick(15);
  expect(plane.mails.map(({ subject }) => subject)).toEqual([
    '⚠ sweep is stuck: waiting for 2 machines, for 30 min so far',
  ]);
  expect(plane.told.at(-1)?.detail).toMatchObject({ id: `${runId}/stuck.queue`, stuck: 'queue' });
});

it('a mail that SNS does not take is sent later, and its event not again; a run is not held up', async () => {
  let works = false;
  const plane = await controlPlane({
    mail: (real) =>
      hooked(real, (command, call) => {
        if (command.name === 'publish' && !works) throw awsError('InternalError', 500);
        return call();
      }),
  });
  const { runId } = await plane.start(WANTS_ALL);
  plane.nodes[0]?.exit({ exitCode: 0 });
  await plane.tick(4);
  expect(plane.record(runId)?.status).toBe('SUCCEEDED');
  expect(plane.logged('metric NotTold').length).toBeGreaterThan(0);
  works = true;
  await plane.tick(3);
  expect(plane.mails).toHaveLength(1);
  expect(plane.told.filter(({ detail }) => detail.state === 'succeeded')).toHaveLength(1);
});

it('a subject that SNS refuses is sent in ASCII', async () => {
  const plane = await controlPlane({
    mail: (real) =>
      hooked(real, (command, call) => {
        const { Subject = '' } = command.name === 'publish' ? command.input : {};
        if (/[^ -~]/.test(Subject)) throw awsError('InvalidParameterException', 400);
        return call();
      }),
  });
  await plane.start(WANTS_ALL);
  plane.nodes[0]?.exit({ exitCode: 1 });
  await plane.tick(4);
  expect(plane.mails.map(({ subject }) => subject)).toEqual([
    expect.stringMatching(/^sweep failed: [ -~]+$/),
  ]);
});

it('an event that EventBridge refuses within an answer is put again', async () => {
  let refused = 0;
  const plane = await controlPlane({
    events: (real) =>
      hooked(real, (command, call) => {
        if (command.name !== 'putEvents' || refused > 0) return call();
        refused += 1;
        return { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] };
      }),
  });
  const { runId } = await plane.start(WANTS_ALL);
  await plane.tick(2);
  expect(plane.told.map(({ detail }) => detail.id)).toContain(`${runId}/submitted`);
});

it('every event of the simulation is as the schema says', async () => {
  for (const seed of [3, 5, 17, 23])
    for (const detail of (await runSeed(seed)).told)
      expect(isDetail(JSON.parse(detail)), `${detail} ${JSON.stringify(isDetail.errors)}`).toBe(true);
});
