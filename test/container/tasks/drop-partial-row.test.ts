import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JoblogWriter } from '../../../container/fan-out/pool/joblog-writer.ts';
import { alreadyDone } from '../../../container/tasks/resume.ts';
import { parseJoblog, renderJoblog } from '../../../experiment/results/joblog.ts';

const row = (seq: number, command: string) => ({
  seq,
  host: 'h',
  startTime: 1,
  runtime: 2,
  send: 0,
  receive: 0,
  exitval: 0,
  signal: 0,
  command,
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sbt-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a joblog that a crash cut anywhere', () => {
  it('has only whole rows from then on, however often it happens, and what has none runs again', async () => {
    const joblog = join(folder, 'joblog');
    // Commands as long as what is read at once, and longer.
    const command = fc.oneof(
      fc.string({ minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\n')),
      fc.constantFrom('x'.repeat(65_536), `é${'y'.repeat(140_000)}`),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.boolean(),
        async (commands, at, isResumed) => {
          const rows = commands.map((text, index) => row(index + 1, text));
          const whole = Buffer.from(renderJoblog(rows));
          const cut = whole.subarray(0, at % (whole.length + 1));
          writeFileSync(joblog, cut);
          const kept = cut.toString('latin1').split('\n').length - 2;
          if (isResumed) {
            const { done } = await alreadyDone(joblog, commands.length);
            expect([...done]).toEqual(rows.slice(0, Math.max(0, kept)).map(({ seq }) => seq));
          }
          const writer = await JoblogWriter.open(joblog);
          for (const missing of rows.slice(Math.max(0, kept))) writer.append(missing);
          await writer.close();
          expect(readFileSync(joblog, 'utf8')).toBe(renderJoblog(rows));
          expect(parseJoblog(readFileSync(joblog, 'utf8'))).toEqual(rows);
        },
      ),
      { numRuns: 60 },
    );
  });
});
