import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'sierra-batch-million-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** MiB: enough for the function and its SDK, and too little for a million strings or all of them in one. */
const HEAP = 64;

it('a million commands are taken in with bounded memory, every one of them and in order', async () => {
  const file = join(folder, 'million.yaml');
  writeFileSync(
    file,
    `apiVersion: sierra-batch/v1
name: million
cluster: {nodes: 2, vcpus: 2}
run:
  commands:
    template: "./sim --seed {seed} --speed {speed} > results/{seed}-{speed}.csv"
    matrix: {seed: {from: 1, to: 1000}, speed: {from: 0.001, to: 1, step: 0.001}}
`,
  );
  const child = new URL('./ingest-million.ts', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [`--max-old-space-size=${HEAP}`, child, file],
    {
      timeout: 100_000,
    },
  );
  const told: unknown = JSON.parse(stdout);
  const expected = createHash('sha256');
  for (let seed = 1; seed <= 1000; seed += 1)
    for (let thousandths = 1; thousandths <= 1000; thousandths += 1)
      expected.update(
        `./sim --seed ${seed} --speed ${thousandths / 1000} > results/${seed}-${thousandths / 1000}.csv\n`,
      );
  expect(told).toMatchObject({ lines: 1_000_000, hash: expected.digest('hex'), runs: 1 });
  expect(Object(told).longest).toBeLessThanOrEqual(1024 * 1024);
}, 120_000);
