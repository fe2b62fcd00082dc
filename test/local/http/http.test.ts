import { request } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  DescribeExecutionCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeAwsChunked } from '../../../local/http/aws-chunked.ts';
import type { LoopbackServer } from '../../../local/http/server.ts';
import { loopback, signedHeaders } from '../../support/loopback.ts';
import { invokeAndWait, MACHINE, makeMachine } from '../../support/states-machine.ts';

const machine = makeMachine(
  { StartAt: 'Wait', States: { Wait: invokeAndWait('nothing', { End: true }) } },
  { nothing: async () => undefined },
);
let server: LoopbackServer;
let sfn: SFNClient;

beforeAll(async () => {
  const opened = await loopback({ states: machine.port });
  server = opened.server;
  sfn = new SFNClient(opened.client);
});
afterAll(async () => {
  sfn.destroy();
  await server.close();
});

describe('Step Functions over loopback HTTP with the real SDK', () => {
  it('starts, describes and stops an execution, with its times as dates', async () => {
    const { executionArn, startDate } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn: MACHINE, name: 'over-http', input: '{"a":1}' }),
    );
    expect(startDate).toEqual(new Date('2026-01-01T00:00:00Z'));
    expect(await sfn.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
      name: 'over-http',
      status: 'RUNNING',
      input: '{"a":1}',
      startDate,
    });
    await machine.clock.advance(1500);
    const { stopDate } = await sfn.send(new StopExecutionCommand({ executionArn, cause: 'cancelled' }));
    expect(stopDate).toEqual(new Date('2026-01-01T00:00:01.500Z'));
    expect(await sfn.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
      status: 'ABORTED',
      stopDate,
    });
  });

  it('throws the errors of the SDK by their names', async () => {
    const describing = sfn.send(
      new DescribeExecutionCommand({ executionArn: `${MACHINE.replace('stateMachine', 'execution')}:none` }),
    );
    await expect(describing).rejects.toThrow(expect.objectContaining({ name: 'ExecutionDoesNotExist' }));
    const starting = sfn.send(
      new StartExecutionCommand({ stateMachineArn: MACHINE, name: 'over-http', input: '{}' }),
    );
    await expect(starting).rejects.toThrow(expect.objectContaining({ name: 'ExecutionAlreadyExists' }));
  });
});

describe('the loopback server', () => {
  const OWNER = { accessKeyId: 'KEY', secretAccessKey: 'x' };
  /** A request of the owner's, where a service is named. */
  const send = (path: string, { service = '', ...more }: Record<string, string>, method = 'GET') =>
    new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
      const url = `${server.url}${path}`;
      const headers = { ...(service === '' ? {} : signedHeaders(url, service, OWNER, method)), ...more };
      const sent = request(url, { method, headers }, (response) => {
        buffer(response).then(
          (body) =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text: body.toString() }),
          reject,
        );
      });
      sent.once('error', reject);
      sent.end();
    });

  it('answers only to a name of this machine, whatever page led the browser here', async () => {
    const signed = { service: 's3' };
    expect((await send('/b?list-type=2', signed)).status).toBe(200);
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1'])
      expect(await send('/b?list-type=2', { ...signed, host })).toMatchObject({
        status: 403,
        text: 'only loopback\n',
      });
  });

  it('lets no page of another origin read or write', async () => {
    const preflight = await send('/b/key', { origin: 'https://evil.example' }, 'OPTIONS');
    expect(preflight.status).toBe(403);
    const read = await send('/b?list-type=2', {
      service: 's3',
      origin: 'https://evil.example',
    });
    for (const { headers } of [preflight, read])
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('says what it does not answer, instead of an empty success', async () => {
    expect((await send('/b/key', { service: 's3' }, 'PATCH')).status).toBe(405);
    expect((await send('/', { service: 'sqs' })).status).toBe(501);
    const unknown = {
      service: 'states',
      'x-amz-target': 'AWSStepFunctions.CreateActivity',
    };
    expect(await send('/', unknown, 'POST')).toMatchObject({ status: 400 });
    expect((await send('/v1/createjobqueue', { service: 'batch' }, 'POST')).status).toBe(404);
  });

  it('outlives requests that make no sense', async () => {
    const states = {
      service: 'states',
      'x-amz-target': 'AWSStepFunctions.StartExecution',
    };
    for (const path of ['/b/%', '/b/%ff', '//', '/b/../x'])
      expect((await send(path, { service: 's3' })).status).toBeGreaterThanOrEqual(400);
    expect((await send('/', { ...states, 'content-length': '0' }, 'POST')).status).toBeGreaterThanOrEqual(
      400,
    );
    expect((await send('/b?list-type=2', { service: 's3' })).status).toBe(200);
  });
});

describe('aws-chunked bodies', () => {
  const encode = (chunks: readonly Uint8Array[]) =>
    Buffer.concat([
      ...chunks
        .filter((chunk) => chunk.length > 0)
        .flatMap((chunk) => [
          Buffer.from(`${chunk.length.toString(16)};chunk-signature=00\r\n`),
          chunk,
          Buffer.from('\r\n'),
        ]),
      Buffer.from('0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'),
    ]);

  it('decode to what was encoded, however the socket cuts them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
        async (chunks, cuts) => {
          const body = encode(chunks);
          const pieces: Buffer[] = [];
          for (let from = 0, turn = 0; from < body.length; turn += 1) {
            const size = cuts[turn % cuts.length] ?? 1;
            pieces.push(body.subarray(from, from + size));
            from += size;
          }
          const decoded = await buffer(Readable.from(decodeAwsChunked(Readable.from(pieces))));
          expect(decoded).toEqual(Buffer.concat(chunks));
        },
      ),
    );
  });

  it.each([
    ['cut off within a chunk', 'a\r\nabc'],
    ['cut off between chunks', '3\r\nabc\r\n'],
    ['a size that is none', 'xyz\r\nabc\r\n0\r\n\r\n'],
    ['a negative size', '-1\r\n\r\n0\r\n\r\n'],
    ['a chunk longer than its size', '2\r\nabc\r\n0\r\n\r\n'],
    ['no line at all', 'z'.repeat(5000)],
  ])('with %s are refused', async (_, body) => {
    await expect(buffer(Readable.from(decodeAwsChunked(Readable.from([Buffer.from(body)]))))).rejects.toThrow(
      expect.objectContaining({ name: 'BadChunkedBody' }),
    );
  });
});
