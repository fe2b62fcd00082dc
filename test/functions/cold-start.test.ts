import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BundleSize } from '../../scripts/build/bundle.ts';
import { bundleFunction, FUNCTIONS } from '../../scripts/build/bundle.ts';
import { FUNCTION_ENVIRONMENT } from '../support/function-environment.ts';

/** Bytes at the start, of which each KB takes some 0.05 ms. scripts/cold-start.ts measures what a change of them comes to. */
const BUDGET = { ingest: 690_000, submit: 650_000, settle: 655_000, collect: 585_000 };
/** The entry, and what it has in common with parts that load later. */
const FILES_AT_START = 7;
/** Needed seldom, or never on Lambda. */
const LATER =
  /client-(sfn|sns|eventbridge)\/dist-es\/runtimeConfig|credential-provider-(?!env)|nested-clients|state-change-event/;
/** Node's tables of languages take 13 ms to load, whoever asks first. */
const PROBE = `
const woken = new Set();
const watch = (object, name) => {
  const { value } = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { get: () => (woken.add(name), value) });
};
for (const type of [Number, Date, String, Array]) 
  for (const name of Object.getOwnPropertyNames(type.prototype)) if (/locale/i.test(name)) watch(type.prototype, name);
for (const name of Object.getOwnPropertyNames(Intl)) watch(Intl, name);
await import(process.argv[2]);
process.stdout.write(JSON.stringify([...woken]));
`;

let folder = '';
const sizes = new Map<string, BundleSize>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sierra-batch-cold-start-'));
  for (const name of FUNCTIONS) sizes.set(name, await bundleFunction(name, join(folder, name)));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it.each(FUNCTIONS)('%s loads few bytes, and nothing that most calls do without', (name) => {
  const { atStart = 0, filesAtStart = 0, modulesAtStart = [] } = sizes.get(name) ?? {};
  expect(atStart).toBeGreaterThan(100_000);
  expect(atStart).toBeLessThan(BUDGET[name]);
  expect(filesAtStart).toBeLessThanOrEqual(FILES_AT_START);
  expect(modulesAtStart.filter((module) => LATER.test(module))).toEqual([]);
});

it('shapes of operations that nobody calls are in no bundle', async () => {
  for (const name of FUNCTIONS)
    for (const file of (await readdir(join(folder, name))).filter((each) => each.endsWith('.mjs'))) {
      const code = await readFile(join(folder, name, file), 'utf8');
      expect(code.includes('SelectObjectContentRequest'), `${name}/${file}`).toBe(false);
      expect(code.includes('CreateComputeEnvironmentRequest'), `${name}/${file}`).toBe(false);
    }
});

it('loading a bundle wakes no tables of languages', async () => {
  await writeFile(join(folder, 'probe.mjs'), PROBE);
  for (const name of FUNCTIONS) {
    const args = [join(folder, 'probe.mjs'), join(folder, name, 'index.mjs')];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      timeout: 20_000,
      env: FUNCTION_ENVIRONMENT,
    });
    expect({ name, woken: JSON.parse(stdout) }).toEqual({ name, woken: [] });
  }
});
