import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { joblogRow, parseNodeMessage } from '../../../container/fan-out/pool/agent-messages.ts';
import {
  LineCutter,
  MAX_LINE,
  MAX_LINE_BEFORE_PROOF,
  parseJoinFacts,
  parseMainMessage,
  parseWelcomeFacts,
  parseWorkerMessage,
  renderMessage,
} from '../../../container/join/messages.ts';
import { BUCKET_RECORDS } from '../../../experiment/bucket/catalogue.ts';
import { JOBLOG_HEADER, parseJoblog, renderJoblogRow } from '../../../experiment/results/joblog.ts';
import { LAST_LINES_HEADER, lastLines } from '../../../experiment/results/last-lines.ts';
import { readTasks } from '../../../experiment/results/task-table.ts';
import type { LoopbackServer } from '../../../local/http/server.ts';
import { samplesOf } from '../../fixtures/hostile-records.ts';
import { READERS } from '../../fixtures/record-readers.ts';
import { aRow, RUN_ID } from '../../fixtures/records.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';
import { loopback, signedHeaders } from '../../support/loopback.ts';

/** Valid texts in which some places are replaced by signs, numbers that are none, or other parts of them; or any bytes. */
function spoilt(texts: readonly string[]): fc.Arbitrary<Buffer> {
  const sign = fc.constantFrom(
    ...'{}[]:,"\\\t\n\r \0%/-.;=_',
    ...['null', '-1', '1e999', '1e300', 'NaN', '__proto__', '\ud800', '\u202e', '\u001b[2J', '9'.repeat(400)],
    ...['"at":1e300', '{"constructor":{}}', '../../../', '%00', '\r\n\r\n', '[['.repeat(500)],
  );
  const edit = fc.record({
    at: fc.nat(),
    length: fc.nat(20),
    put: fc.oneof(sign, fc.string()),
  });
  const edited = fc
    .tuple(fc.constantFrom(...texts), fc.array(edit, { maxLength: 6 }))
    .map(([text, edits]) => {
      let changed = text;
      for (const { at, length, put } of edits) {
        const from = at % (changed.length + 1);
        const cut = changed.slice(from, from + length);
        changed =
          changed.slice(0, from) + (length % 5 === 0 ? cut + put + cut : put) + changed.slice(from + length);
      }
      return Buffer.from(changed);
    });
  const bytes = fc.uint8Array({ maxLength: 2000 }).map((each) => Buffer.from(each));
  return fc.oneof({ weight: 6, arbitrary: edited }, { weight: 1, arbitrary: bytes });
}

const hex = '0123456789abcdef'.repeat(2);
const facts = JSON.stringify({
  instance: hex,
  address: '10.0.1.10',
  sshPort: 22,
  hostKey: `ssh-ed25519 ${'A'.repeat(60)}`,
  cpus: 2,
  startedAt: 1,
  now: 2,
  versions: { parallel: '20260122' },
  faults: [],
});

const PARSERS: Readonly<Record<string, { texts: string[]; parse(text: string): unknown }>> = {
  'a join line': {
    texts: [
      renderMessage({ t: 'hello', version: 1, run: RUN_ID, job: 'j', attempt: 1, index: 1, nonce: hex }),
      renderMessage({ t: 'join', facts, mac: hex + hex }),
      renderMessage({ t: 'pulse', at: 1, cpuSeconds: 2 }),
      renderMessage({ t: 'fault', faults: [{ node: 1, check: 'c', what: 'w', todo: 't' }] }),
      renderMessage({ t: 'challenge', folder: `runs/${RUN_ID}/join/a-1-b`, nonce: hex }),
      facts,
    ],
    parse: (line) =>
      [parseWorkerMessage, parseMainMessage, parseJoinFacts, parseWelcomeFacts].map((one) => one(line)),
  },
  'a message of a pool node': {
    texts: [
      'R 1 2 1.5 0.25 0 0 12 0.0001 0 1',
      'L 1 2 it failed\\n',
      'S 1 2',
      'X 1_2',
      'N 1 no room',
      'U old',
      'D 1 0',
    ],
    parse: (line) => {
      const message = parseNodeMessage(line);
      if (message?.kind === 'row')
        renderJoblogRow(joblogRow(message, { index: 0, address: 'h', slots: 1 }, 'true'));
      return message;
    },
  },
  'a joblog': {
    texts: [
      [JOBLOG_HEADER, renderJoblogRow(aRow(1)), renderJoblogRow(aRow(2, { exitval: 1 })), ''].join('\n'),
    ],
    parse: (text) => readTasks(parseJoblog(text).filter(({ seq }) => seq < 1e6)),
  },
  'last lines': {
    texts: [`${LAST_LINES_HEADER}\n1\t1764000000.123\texit 1\tno such file\n2\t1764000001.000\tlost\tnone\n`],
    parse: (text) => [...lastLines(text)],
  },
};

const OTHERS_MAY_WRITE = BUCKET_RECORDS.flatMap(({ key, schema }) =>
  schema === undefined || key.startsWith('control/') ? [] : [{ key, schema }],
);

describe('no bytes make a reader throw or hang', () => {
  it.each(Object.entries(PARSERS))('%s', async (_what, { texts, parse }) => {
    await fc.assert(
      fc.asyncProperty(spoilt(texts), async (bytes) => {
        await parse(bytes.toString());
      }),
      fuzzRuns(500),
    );
  });

  it.each(OTHERS_MAY_WRITE)('$key', ({ key, schema }) => {
    const texts = samplesOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })).map((sample) =>
      JSON.stringify(sample),
    );
    const read = READERS[key];
    if (read === undefined) throw new Error(`nobody reads ${key}`);
    fc.assert(
      fc.property(spoilt(texts), (bytes) => {
        read(bytes.toString());
      }),
      fuzzRuns(500),
    );
  });

  it('lines of any length in pieces of any size: none is longer than allowed', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(fc.nat(70_000), fc.constantFrom(0, 10, 34, 255))
        .map(([size, byte]) => new Uint8Array(size).fill(byte)),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.constantFrom(MAX_LINE, MAX_LINE_BEFORE_PROOF),
        (pieces, limit) => {
          const cutter = new LineCutter(limit);
          const lines = pieces.flatMap((each) => cutter.push(each));
          expect(lines.filter(({ length }) => length > limit)).toEqual([]);
        },
      ),
      fuzzRuns(100),
    );
  });
});

describe('the loopback server', () => {
  let server: LoopbackServer;
  beforeAll(async () => {
    ({ server } = await loopback({}));
  });
  afterAll(() => server.close());

  it('outlives any bytes', async () => {
    const owner = { accessKeyId: 'KEY', secretAccessKey: 'x' };
    const said = [
      'GET /b?list-type=2',
      'PUT /b/a',
      'POST /b/a?uploads',
      'POST /v1/listjobs',
      'GET /b/a',
      'DELETE /b/a',
    ].map((line) => {
      const [method = '', path = ''] = line.split(' ');
      const service = path.startsWith('/v1') ? 'batch' : 's3';
      const headers = Object.entries(signedHeaders(`${server.url}${path}`, service, owner, method)).map(
        (pair) => pair.join(': '),
      );
      return `${line} HTTP/1.1\r\n${headers.join('\r\n')}\r\ncontent-length: 3\r\n\r\nabc`;
    });
    const { port, hostname: host } = new URL(server.url);
    await fc.assert(
      fc.asyncProperty(spoilt(said), async (bytes) => {
        const socket = connect({ port: Number(port), host });
        socket.on('error', () => undefined); // It may be cut off.
        socket.resume().end(bytes);
        await once(socket, 'close');
      }),
      fuzzRuns(100),
    );
    const headers = signedHeaders(`${server.url}/b?list-type=2`, 's3', owner);
    expect((await fetch(`${server.url}/b?list-type=2`, { headers })).status).toBe(200);
  });
});
