import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Proof } from '../../../container/join/messages.ts';
import {
  LineCutter,
  parseMainMessage,
  parseWorkerMessage,
  prove,
  proves,
  renderMessage,
} from '../../../container/join/messages.ts';

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });

describe('messages', () => {
  it('come back as they were sent, on one line', () => {
    const worker = fc.oneof(
      fc.record({ t: fc.constant('log' as const), line: fc.string({ unit: 'binary', maxLength: 200 }) }),
      fc.record({ t: fc.constant('join' as const), facts: fc.string({ unit: 'binary' }), mac: hex(64) }),
      fc.record(
        {
          t: fc.constant('pulse' as const),
          at: fc.integer(),
          peakMemoryMiB: fc.nat(),
          cpuSeconds: fc.nat(),
          load: fc.constantFrom({}, { cpu: 0.5, memory: 1, disk: 0 }),
        },
        { requiredKeys: ['t', 'at'] },
      ),
    );
    fc.assert(
      fc.property(worker, (message) => {
        const line = renderMessage(message);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(parseWorkerMessage(line.trimEnd())).toEqual(message);
      }),
    );
  });

  it('of any other kind are not understood, and nothing throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(parseWorkerMessage(text)).toBeUndefined();
      }),
    );
    expect(parseMainMessage('{"t":"release","more":1}')).toBeUndefined();
    expect(parseWorkerMessage('{"t":"hello"}')).toBeUndefined();
  });

  it.each(['../../etc', 'runs/x/join/../../..', '/runs/x/join/y', 'runs/X/join/y', 'runs/x/join/y/z'])(
    'cannot lead a worker to the folder %s',
    (folder) => {
      expect(
        parseMainMessage(JSON.stringify({ t: 'challenge', folder, nonce: '0'.repeat(32) })),
      ).toBeUndefined();
    },
  );
});

describe('a proof', () => {
  const secret = Buffer.alloc(32, 7);
  const proof: Proof = {
    by: 'worker',
    run: 'a-0123456789a',
    job: 'job',
    attempt: 1,
    index: 2,
    workerNonce: 'a'.repeat(32),
    mainNonce: 'b'.repeat(32),
    facts: '{}',
  };

  it('holds for exactly what was proved', () => {
    const mac = prove(secret, proof);
    expect(proves(secret, proof, mac)).toBe(true);
    const others: Partial<Proof>[] = [
      { by: 'main' },
      { run: 'b-0123456789a' },
      { job: 'job2' },
      { attempt: 2 },
      { index: 3 },
      { workerNonce: 'c'.repeat(32) },
      { mainNonce: 'c'.repeat(32) },
      { facts: '{"a":1}' },
    ];
    for (const other of others) expect(proves(secret, { ...proof, ...other }, mac)).toBe(false);
    expect(proves(Buffer.alloc(32, 8), proof, mac)).toBe(false);
    expect(proves(secret, proof, '')).toBe(false);
  });
});

describe('lines', () => {
  it('are the same however the bytes arrive', () => {
    const text = fc.array(
      fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', '')),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 9 })), (lines, sizes) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const cutter = new LineCutter(1000);
        const got: string[] = [];
        let at = 0;
        for (const size of [...sizes, bytes.length]) {
          got.push(...cutter.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(got).toEqual(lines);
      }),
    );
  });

  it('beyond the limit end the hearing, with or without a newline, and memory stays bounded', () => {
    const cutter = new LineCutter(10);
    expect(cutter.push(Buffer.from('short\n'))).toEqual(['short']);
    expect(cutter.push(Buffer.alloc(11, 65))).toEqual([]);
    expect(cutter.overflow).toBe(true);
    expect(cutter.push(Buffer.from('\nlater\n'))).toEqual([]);
    const other = new LineCutter(10);
    expect(other.push(Buffer.from(`${'x'.repeat(11)}\nlater\n`))).toEqual([]);
    expect(other.overflow).toBe(true);
  });
});
