import { mkdirSync, writeFileSync } from 'node:fs';
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Manifest } from '../../experiment/manifest/parse.ts';
import { packInputs } from '../../submission/pack.ts';
import { memoryS3 } from '../support/memory-s3.ts';
import { folderOfItsOwn } from './context.ts';

it('the same content has the same key, in whatever order the file system lists it', async () => {
  const folder = folderOfItsOwn();
  mkdirSync(join(folder, 'project'));
  for (const name of ['b', 'a', 'c']) writeFileSync(join(folder, 'project', name), name);
  const manifest = { inputs: [{ from: './project', to: 'p/' }], run: {} } as unknown as Manifest;
  const real = fsp.readdir;
  onTestFinished(() => {
    Object.assign(fsp, { readdir: real });
    syncBuiltinESMExports();
  });
  const keys: unknown[] = [];
  for (const names of [
    ['a', 'b', 'c'],
    ['c', 'a', 'b'],
    ['b', 'c', 'a'],
  ]) {
    Object.assign(fsp, { readdir: async () => names });
    syncBuiltinESMExports();
    keys.push((await packInputs(memoryS3('b'), 'b', join(folder, 'm.yaml'), manifest))[0]?.value);
  }
  expect(new Set(keys).size).toBe(1);
});
