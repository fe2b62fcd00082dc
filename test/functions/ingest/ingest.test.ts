import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { makeRunId } from '../../../experiment/layout/run-id.ts';
import type { BusEvent } from '../../../local/aws/events/bus.ts';
import { awsError, BUCKET, controlPlane, failureOf, MANIFEST, runIdOf } from '../../support/control-plane.ts';
import { hooked } from '../../support/hostile-ports.ts';

/** S3's own notification of what an EventBridge event tells, its keys encoded as S3 encodes them. */
function notification(...events: BusEvent[]) {
  return {
    Records: events.map(({ detail }) => {
      const { key, etag, 'version-id': versionId } = Object(detail.object);
      const encoded = encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
      return {
        eventSource: 'aws:s3',
        eventName: 'ObjectCreated:Put',
        s3: { bucket: { name: BUCKET }, object: { key: encoded, eTag: etag, versionId } },
      };
    }),
  };
}

function withKey(event: BusEvent, key: string): BusEvent {
  return { ...event, detail: { ...event.detail, object: { ...Object(event.detail.object), key } } };
}

describe('a dropped manifest', () => {
  it('becomes a run: manifest, plan, commands, claim, status and one execution', async () => {
    const plane = await controlPlane();
    const { runId } = await plane.start();
    const keys = runKeys(runId);
    expect(await plane.text(keys.manifest)).toBe(MANIFEST);
    expect(await plane.text(keys.commands)).toBe('a\nb\n');
    expect(await plane.json(keys.plan)).toMatchObject({ runId, cluster: { nodes: 2 } });
    expect(await plane.json(keys.status)).toMatchObject({ runId, history: [{ state: 'submitted' }, {}] });
    expect(plane.record(runId)).toMatchObject({ status: 'RUNNING' });
    expect(plane.localBatch.allJobs()).toHaveLength(1);
    expect(await plane.keys('rejected/')).toEqual([]);
  });

  it('that is told twice, by both kinds of event, at once and again after its end, is one run', async () => {
    let startsAsked = 0;
    const plane = await controlPlane({
      states: (real) =>
        hooked(real, (command, call) => {
          if (command.name === 'startExecution') startsAsked += 1;
          return call();
        }),
    });
    const event = await plane.put('manifests/sweep.yaml', MANIFEST);
    await Promise.all([plane.ingest(event), plane.ingest(event), plane.ingest(notification(event))]);
    await plane.pass(1);
    plane.nodes[0]?.exit({ exitCode: 0 });
    await plane.tick(2);
    const runId = runIdOf(event, 'sweep');
    expect(plane.record(runId)?.status).toBe('SUCCEEDED');
    startsAsked = 0;
    await plane.ingest(event);
    await plane.tick(2);
    // After 90 days the name of the execution would be free again.
    expect(startsAsked).toBe(0);
    expect(plane.localStates.records()).toHaveLength(1);
    expect(plane.localBatch.allJobs()).toHaveLength(1);
    expect(await plane.keys('rejected/')).toEqual([]);
  });

  it.each(['manifests/a b+c.yaml', 'manifests/ä/ü~!(1).yml', 'manifests/100%.json', 'manifests/a%20b.yaml'])(
    'with the key %s is found under either encoding of its event, and is the same run',
    async (key) => {
      const manifest = key.endsWith('.json')
        ? '{"apiVersion":"sierra-batch/v1","name":"sweep","cluster":{"nodes":1},"run":{"commands":{"list":["a"]}}}'
        : MANIFEST;
      const plane = await controlPlane();
      const event = await plane.put(key, manifest);
      const encoded = notification(event).Records[0]?.s3.object.key ?? '';
      await plane.ingest(event);
      await plane.ingest(notification(event));
      await plane.ingest(withKey(event, encoded));
      expect(await plane.keys('rejected/')).toEqual([]);
      expect(plane.localStates.records().map(({ name }) => name)).toEqual([runIdOf(event, 'sweep')]);
    },
  );

  it('is found among several records, whatever becomes of the others', async () => {
    const plane = await controlPlane();
    const good = await plane.put('manifests/good.yaml', MANIFEST);
    const bad = await plane.put('manifests/bad.yaml', 'name: [');
    const other = await plane.put('runs/x/manifest.yaml', MANIFEST);
    await plane.ingest(notification(bad, other, good));
    expect(plane.localStates.records().map(({ name }) => name)).toEqual([runIdOf(good, 'sweep')]);
    expect(await plane.keys('rejected/')).toHaveLength(2);
  });

  it('is taken in though S3 fails for another record, whose failure is told so that it is tried again', async () => {
    const plane = await controlPlane({
      s3: (real) =>
        hooked(real, (command, call) => {
          if (command.name === 'headObject' && command.input.Key === 'manifests/down.yaml')
            throw awsError('InternalError', 500);
          return call();
        }),
    });
    const down = await plane.put('manifests/down.yaml', MANIFEST);
    const good = await plane.put('manifests/good.yaml', MANIFEST);
    const failure = await failureOf(plane.ingest(notification(down, good)));
    expect(failure.name).toBe('ServiceUnavailable');
    expect(plane.localStates.records().map(({ name }) => name)).toEqual([runIdOf(good, 'sweep')]);
  });
});

describe('what is no manifest', () => {
  it.each([
    'runs/sweep-00000000000/manifest.yaml',
    'inputs/manifests/a.yaml',
    'manifests/readme.txt',
    'manifests/.yaml',
    'manifests/a.yaml.bak',
    'Manifests/a.yaml',
  ])('%s starts nothing and is not judged', async (key) => {
    const plane = await controlPlane();
    const event = await plane.put(key, MANIFEST);
    await plane.ingest(event);
    await plane.ingest(notification(event));
    expect(plane.localStates.records()).toEqual([]);
    expect(await plane.keys('rejected/')).toEqual([]);
    expect(plane.logged('Ingest:NotAManifest')).toHaveLength(2);
  });

  it('a manifest in another bucket starts nothing', async () => {
    const plane = await controlPlane();
    const event = await plane.put('manifests/a.yaml', MANIFEST);
    await plane.ingest({ ...event, detail: { ...event.detail, bucket: { name: 'other' } } });
    expect(plane.localStates.records()).toEqual([]);
  });

  it.each([
    [{ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: BUCKET }, 0],
    [
      {
        Records: [
          {
            eventSource: 'aws:s3',
            eventName: 'ObjectRemoved:Delete',
            s3: { bucket: { name: BUCKET }, object: { key: 'manifests/a.yaml' } },
          },
        ],
      },
      0,
    ],
    [{ source: 'aws.s3', 'detail-type': 'Object Deleted', detail: {} }, 1],
    ['hello', 1],
    [undefined, 1],
  ])('the event %j ends quietly', async (event, warnings) => {
    const plane = await controlPlane();
    await plane.ingest(event);
    expect(plane.logged('Ingest:NotAnEvent')).toHaveLength(warnings);
    expect(await plane.keys('')).toEqual([]);
  });
});

describe('a manifest that cannot be taken', () => {
  const rejectionOf = async (plane: Awaited<ReturnType<typeof controlPlane>>) => {
    const found = await plane.keys('rejected/');
    const [json = '', text = ''] = found;
    expect(found).toHaveLength(2);
    expect(json).toMatch(/^rejected\/manifests\/.*@[0-9a-f]{32}\.json$/);
    expect(text).toBe(json.replace(/json$/, 'txt'));
    return { ...(await plane.json(json)), text: await plane.text(text) };
  };

  it('is answered with every fault, for programs and for people, and starts nothing', async () => {
    const plane = await controlPlane();
    const event = await plane.put(
      'manifests/sweep.yaml',
      'apiVersion: sierra-batch/v1\nname: Sweep\ncluster: {nodes: 0, vcpu: 2}\nrun: {commands: {list: []}}\n',
    );
    await plane.ingest(event);
    const rejection = await rejectionOf(plane);
    const { version } = Object(Object(rejection).source);
    expect(rejection).toMatchObject({
      source: { bucket: BUCKET, key: 'manifests/sweep.yaml', version },
      faults: [
        { path: 'name', line: 2 },
        { path: 'cluster.nodes', line: 3 },
        { path: 'cluster.vcpu', code: 'unknown-key', suggestion: 'vcpus' },
        { path: 'run.commands.list', line: 4 },
      ],
    });
    for (const place of ['sweep.yaml:2:', 'sweep.yaml:3:', 'sweep.yaml:4:', 'did you mean `vcpus`'])
      expect(rejection.text).toContain(place);
    expect(plane.localStates.records()).toEqual([]);
    expect(await plane.keys('control/open/')).toEqual([]);
    expect(plane.logged('metric ManifestRejected')).toHaveLength(1);
  });

  it('asks for more than the queue has, or for a bucket that is not read: rejected by the deployment', async () => {
    const plane = await controlPlane();
    await plane.ingest(
      await plane.put(
        'manifests/big.yaml',
        'apiVersion: sierra-batch/v1\nname: big\ncluster: {nodes: 40, vcpus: 2}\nrun: {commands: {list: [a]}}\ninputs: [{from: s3://elsewhere/x/, to: x/}]\n',
      ),
    );
    expect(await rejectionOf(plane)).toMatchObject({
      faults: [{ code: 'over-queue' }, { code: 'unknown-bucket' }],
    });
  });

  it.each([
    ['run: {commands: {file: "s3://BUCKET/control/sweep-0123456789a.json"}}', 'run.commands.file'],
    ['run: {commands: {list: [a]}}\ninputs: [{from: "s3://BUCKET/control/", to: x/}]', 'inputs[0].from'],
    ['run: {commands: {list: [a]}}\ninputs: [{from: "s3://BUCKET/", to: x/}]', 'inputs[0].from'],
  ])('names what the functions keep to themselves: rejected (%s)', async (what, path) => {
    const plane = await controlPlane();
    await plane.put('control/sweep-0123456789a.json', '{"token":"secret"}');
    const text = what.replace('BUCKET', BUCKET);
    await plane.ingest(
      await plane.put(
        'manifests/thief.yaml',
        `apiVersion: sierra-batch/v1\nname: thief\ncluster: {nodes: 1, vcpus: 2}\n${text}\n`,
      ),
    );
    expect(await rejectionOf(plane)).toMatchObject({ faults: [{ code: 'not-readable', path }] });
    expect(await plane.keys('runs/')).toEqual([]);
  });

  it('is over 1 MiB: rejected without being read', async () => {
    let read = 0;
    const plane = await controlPlane({
      s3: (real) =>
        hooked(real, (command, call) => {
          if (command.name === 'getObject' && command.input.Key === 'manifests/big.yaml') read += 1;
          return call();
        }),
    });
    await plane.ingest(await plane.put('manifests/big.yaml', `# ${'x'.repeat(1024 * 1024)}`));
    expect(await rejectionOf(plane)).toMatchObject({ faults: [{ code: 'too-large' }] });
    expect(read).toBe(0);
  });

  it('is not UTF-8: rejected', async () => {
    const plane = await controlPlane();
    await plane.ingest(await plane.put('manifests/x.yaml', Buffer.from([0x6e, 0xff, 0xfe, 0x0a])));
    expect(await rejectionOf(plane)).toMatchObject({ faults: [{ code: expect.stringContaining('utf') }] });
  });

  it.each(['NoSuchKey', 'AccessDenied'] as const)(
    'was deleted before it was read, S3 saying %s: rejected, and not tried for ever',
    async (missing) => {
      const plane = await controlPlane({ missing });
      const event = await plane.put('manifests/x.yaml', MANIFEST);
      const gone = { ...Object(event.detail.object), 'version-id': '0'.repeat(32) };
      await plane.ingest({ ...event, detail: { ...event.detail, object: gone } });
      expect(await rejectionOf(plane)).toMatchObject({ faults: [{ code: 'gone' }] });
      expect(plane.localStates.records()).toEqual([]);
    },
  );

  it('was overwritten in a bucket without versions: the old event is rejected, the new one runs', async () => {
    const plane = await controlPlane();
    const unversioned = (event: BusEvent): BusEvent => {
      const { 'version-id': _, ...object } = Object(event.detail.object);
      return { ...event, detail: { ...event.detail, object } };
    };
    const first = unversioned(await plane.put('manifests/x.yaml', MANIFEST));
    const second = unversioned(await plane.put('manifests/x.yaml', MANIFEST.replace('[a, b]', '[c]')));
    await plane.ingest(first);
    await plane.ingest(second);
    expect(await rejectionOf(plane)).toMatchObject({ faults: [{ code: 'gone' }] });
    const version = String(Object(second.detail.object).etag);
    const runId = makeRunId('sweep', { bucket: BUCKET, key: 'manifests/x.yaml', version });
    expect(plane.localStates.records().map(({ name }) => name)).toEqual([runId]);
    expect(await plane.text(runKeys(runId).commands)).toBe('c\n');
  });

  it.each([
    ['BadRequest', 400],
    ['MethodNotAllowed', 405],
  ])('is one that S3 withholds (%s %i): rejected with S3’s words', async (name, status) => {
    const plane = await controlPlane({
      s3: (real) =>
        hooked(real, (command, call) => {
          if (command.name === 'headObject') throw awsError(name, status, 'needs a key of yours');
          return call();
        }),
    });
    await plane.ingest(await plane.put('manifests/x.yaml', MANIFEST));
    const rejection = await rejectionOf(plane);
    expect(rejection).toMatchObject({ faults: [{ code: 'unreadable' }] });
    expect(rejection.text).toContain('needs a key of yours');
  });

  it.each([
    ['SlowDown', 503],
    ['InternalError', 500],
    ['ThrottlingException', 400],
    ['ExpiredToken', 400],
  ])('cannot be read just now (%s %i): no rejection, but another try', async (name, status) => {
    let failing = true;
    const plane = await controlPlane({
      s3: (real) =>
        hooked(real, (command, call) => {
          if (command.name === 'headObject' && failing) throw awsError(name, status);
          return call();
        }),
    });
    const event = await plane.put('manifests/x.yaml', MANIFEST);
    expect((await failureOf(plane.ingest(event))).name).toBe('ServiceUnavailable');
    expect(await plane.keys('rejected/')).toEqual([]);
    failing = false;
    await plane.ingest(event);
    expect(plane.localStates.records()).toHaveLength(1);
  });
});

describe('a run id that is taken', () => {
  it('by a record of another source: a loud fault and a rejection, and the other run is left alone', async () => {
    const plane = await controlPlane();
    const event = await plane.put('manifests/x.yaml', MANIFEST);
    const runId = runIdOf(event, 'sweep');
    const control = JSON.stringify({
      version: 1,
      runId,
      source: { bucket: BUCKET, key: 'manifests/other.yaml', version: 'v' },
      nonce: 'n',
      acceptedAt: 1,
      deadlineAt: 2,
      jobNonce: 'n',
    });
    await plane.put(runKeys(runId).control, control);
    const failure = await failureOf(plane.ingest(event));
    expect(failure.name).toBe('RunIdCollision');
    expect(failure.message).toContain('manifests/other.yaml');
    expect(plane.logged('Ingest:Failed')).toMatchObject([{ fields: { family: 'terminal' } }]);
    expect(await plane.text(runKeys(runId).control)).toBe(control);
    expect(await plane.keys('rejected/')).toHaveLength(2);
    expect(plane.localStates.records()).toEqual([]);
  });

  it.each([
    [
      {
        runId: 'x',
        source: { bucket: BUCKET, key: 'manifests/other.yaml', version: 'v' },
        timeoutSeconds: 1,
      },
    ],
    [{ somebody: 'else' }],
  ])('by an execution with the input %j (ExecutionAlreadyExists): a loud fault', async (input) => {
    const plane = await controlPlane();
    const event = await plane.put('manifests/x.yaml', MANIFEST);
    await plane.states.startExecution({
      stateMachineArn: plane.deps.deployment.stateMachineArn,
      name: runIdOf(event, 'sweep'),
      input: JSON.stringify({ ...input, timeoutSeconds: 600 }),
    });
    expect((await failureOf(plane.ingest(event))).name).toBe('RunIdCollision');
    expect(plane.localStates.records()).toHaveLength(1);
  });
});

describe('a function that is killed', () => {
  it('at any of its calls leaves nothing that the same event would not finish', async () => {
    const calls = await countCalls();
    expect(calls).toBeGreaterThan(8);
    for (let last = 0; last <= calls; last += 1) {
      let left = last;
      let dead = true;
      const around = <Port extends object>(real: Port) =>
        hooked(real, (_command, call) => {
          if (!dead) return call();
          left -= 1;
          if (left < 0) throw awsError('Killed', 500);
          return call();
        });
      const plane = await controlPlane({ s3: around, states: around });
      const event = await plane.put('manifests/x.yaml', MANIFEST);
      await plane.ingest(event).catch(() => undefined);
      dead = false;
      await plane.ingest(event);
      await plane.pass(1);
      expect(plane.localStates.records(), `killed after ${last} calls`).toHaveLength(1);
      expect(plane.localBatch.allJobs(), `killed after ${last} calls`).toHaveLength(1);
      expect(await plane.text(runKeys(runIdOf(event, 'sweep')).commands)).toBe('a\nb\n');
    }
  });

  it('between claim and execution is made good by the schedule, without the event', async () => {
    let failing = true;
    const plane = await controlPlane({
      states: (real) =>
        hooked(real, (command, call) => {
          if (failing && command.name === 'startExecution') throw awsError('InternalError', 500);
          return call();
        }),
    });
    const event = await plane.put('manifests/x.yaml', MANIFEST);
    expect((await failureOf(plane.ingest(event))).name).toBe('ServiceUnavailable');
    failing = false;
    await plane.tick(2);
    expect(plane.record(runIdOf(event, 'sweep'))?.status).toBe('RUNNING');
  });
});

describe('a list of commands in the bucket', () => {
  const manifest = MANIFEST.replace('{list: [a, b]}', `{file: "s3://${BUCKET}/lists/c.txt"}`);

  it('is frozen as it is when the run is claimed, whatever a call that was killed had frozen', async () => {
    let failing = true;
    const plane = await controlPlane({
      s3: (real) =>
        hooked(real, (command, call) => {
          if (failing && command.name === 'putObject' && command.input.Key?.endsWith('plan.json'))
            throw awsError('InternalError', 500);
          return call();
        }),
    });
    await plane.put('lists/c.txt', 'one\ntwo\nthree');
    const event = await plane.put('manifests/x.yaml', manifest);
    expect((await failureOf(plane.ingest(event))).name).toBe('ServiceUnavailable');
    failing = false;
    await plane.put('lists/c.txt', 'four\n');
    await plane.ingest(event);
    const keys = runKeys(runIdOf(event, 'sweep'));
    expect(await plane.text(keys.commands)).toBe('four\n');
    const sha256 = createHash('sha256').update('four\n').digest('hex');
    expect(await plane.json(keys.plan)).toMatchObject({
      work: { file: { kind: 'frozen', total: 1, sha256 } },
    });
    await plane.put('lists/c.txt', 'five\n');
    await plane.ingest(event);
    expect(await plane.text(keys.commands)).toBe('four\n');
  });

  it('may be a table: it is frozen with the commands that it makes, and what is wrong with it is a rejection', async () => {
    const ofTable = MANIFEST.replace(
      '{list: [a, b]}',
      `{template: "s {a} {b}", table: "s3://${BUCKET}/lists/c.csv", matrix: {b: [1, 2]}}`,
    );
    const plane = await controlPlane();
    await plane.put('lists/c.csv', 'a\nx y\n');
    const event = await plane.put('manifests/x.yaml', ofTable);
    await plane.ingest(event);
    const keys = runKeys(runIdOf(event, 'sweep'));
    expect(await plane.text(keys.commands)).toBe("s 'x y' 1\ns 'x y' 2\n");
    expect(await plane.text(keys.table('csv'))).toBe('a\nx y\n');
    const sha256 = createHash('sha256').update('a\nx y\n').digest('hex');
    expect(await plane.json(keys.plan)).toMatchObject({
      work: {
        file: { kind: 'frozen', total: 2 },
        design: { name: 'sweep', template: 's {a} {b}', table: { format: 'csv', sha256 } },
      },
    });
    await plane.put('lists/c.csv', 'a\n1,2\n');
    await plane.ingest(await plane.put('manifests/y.yaml', ofTable));
    const [json = ''] = await plane.keys('rejected/');
    expect(await plane.json(json)).toMatchObject({
      faults: [
        {
          code: 'bad-commands',
          path: 'run.commands.table',
          message: expect.stringContaining('lists/c.csv: line 2, column 3: 2 values'),
        },
      ],
    });
  });

  it('has what its commands may have by mistake told beside the run, at its line and column', async () => {
    const plane = await controlPlane();
    await plane.put('lists/c.txt', './sim 1\n# a comment\n./sim 2 &\n');
    const event = await plane.put('manifests/x.yaml', manifest);
    await plane.ingest(event);
    const warnings = await plane.text(runKeys(runIdOf(event, 'sweep')).warnings);
    expect(warnings).toMatch(/^s3:\/\/\S+\/lists\/c\.txt:3:9: it ends in a lone `&`/m);
    expect(warnings).toContain('3 | ./sim 2 &\n');
    await plane.put('lists/c.txt', './sim 1\n');
    const right = await plane.put('manifests/y.yaml', manifest);
    await plane.ingest(right);
    expect(await plane.text(runKeys(runIdOf(right, 'sweep')).warnings)).not.toContain('c.txt:3');
  });

  it.each([
    ['in a prefix', `{from: "s3://${BUCKET}/lists/", to: data}`, 'data/c.txt'],
    ['by name', `{from: "s3://${BUCKET}/lists/c.txt", to: data/}`, './data/c.txt'],
    ['under another name', `{from: "s3://${BUCKET}/lists/c.txt", to: d.txt}`, 'd.txt'],
  ])('has the same told where an input brings it: %s', async (_how, input, file) => {
    const plane = await controlPlane();
    await plane.put('lists/c.txt', './sim 1\n./sim 2 &\n');
    const brought = MANIFEST.replace('{list: [a, b]}', `{file: ${file}}`);
    const event = await plane.put('manifests/x.yaml', `${brought}inputs: [${input}]\n`);
    await plane.ingest(event);
    const warnings = await plane.text(runKeys(runIdOf(event, 'sweep')).warnings);
    expect(warnings).toMatch(/^s3:\/\/\S+\/lists\/c\.txt:2:9: it ends in a lone `&`/m);
    // What is not there is node 0's to say.
    const other = await plane.put(
      'manifests/y.yaml',
      `${brought}inputs: [{from: "s3://${BUCKET}/none/", to: .}]\n`,
    );
    await plane.ingest(other);
    expect(await plane.keys('rejected/')).toEqual([]);
  });

  it.each([
    ['missing', undefined, 'no-commands'],
    ['empty', '', 'bad-commands'],
    ['holding a NUL', 'a\0b\n', 'bad-commands'],
    ['with the line ends of Windows', 'ok\na\r\nb\r\n', 'bad-commands'],
    ['with a byte order mark', '\ufeffa\nb\n', 'bad-commands'],
    ['with a line that is too long', `ok\n${'x'.repeat(128 * 1024)}\n`, 'bad-commands'],
  ])('%s is a rejection', async (_what, list, code) => {
    const plane = await controlPlane();
    if (list !== undefined) await plane.put('lists/c.txt', list);
    await plane.ingest(await plane.put('manifests/x.yaml', manifest));
    const [json = ''] = await plane.keys('rejected/');
    expect(await plane.json(json)).toMatchObject({ faults: [{ code, path: 'run.commands.file' }] });
    expect(plane.localStates.records()).toEqual([]);
  });

  it.each([
    ['in another region', 'headObject', '301', 301, 'unreadable', /same region/],
    ['under a key of somebody’s own', 'getObject', 'AccessDenied', 403, 'bad-commands', /may not read it/],
  ])(
    '%s is a rejection that says so, and is not tried for ever',
    async (_what, call, name, status, code, said) => {
      const plane = await controlPlane({
        s3: (real) =>
          hooked(real, (command, go) => {
            const isList = 'Key' in command.input && command.input.Key === 'lists/c.txt';
            if (isList && command.name === call) throw awsError(name, status);
            return go();
          }),
      });
      await plane.put('lists/c.txt', 'one\n');
      await plane.ingest(await plane.put('manifests/x.yaml', manifest));
      const [json = ''] = await plane.keys('rejected/');
      expect(await plane.json(json)).toMatchObject({
        faults: [{ code, path: 'run.commands.file', message: expect.stringMatching(said) }],
      });
    },
  );
});

async function countCalls(): Promise<number> {
  let calls = 0;
  const around = <Port extends object>(real: Port) =>
    hooked(real, (_command, call) => {
      calls += 1;
      return call();
    });
  const plane = await controlPlane({ s3: around, states: around });
  await plane.ingest(await plane.put('manifests/x.yaml', MANIFEST));
  return calls;
}
