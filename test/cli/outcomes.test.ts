import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fetch } from '../../cli/commands/runs/fetch.ts';
import { watch } from '../../cli/commands/runs/watch.ts';
import { folderStore } from '../../cli/context/folder-store.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { realClock } from '../../local/clock/real.ts';
import { readText } from '../../submission/watch-run.ts';
import { aSummary, RUN_ID } from '../fixtures/records.ts';
import { awsError } from '../support/hostile-ports.ts';
import { memoryS3 } from '../support/memory-s3.ts';
import { contextIn, folderOfItsOwn } from './context.ts';

function aRun(state: string) {
  const bucket = folderOfItsOwn();
  const put = (key: string, value: object | string) => {
    mkdirSync(join(bucket, key, '..'), { recursive: true });
    writeFileSync(join(bucket, key), typeof value === 'string' ? value : JSON.stringify(value));
  };
  put(runKeys(RUN_ID).status, { state, history: [] });
  const at = {
    kind: 'local',
    name: 'the files',
    store: folderStore(bucket),
    place: (key: string) => key,
    lookMs: 1,
    acceptedWithinMs: 1,
  } as const;
  return {
    put,
    ...contextIn(join(bucket, 'here'), { at, clock: realClock }),
    into: join(bucket, 'here/out'),
  };
}

it.each([
  ['succeeded', 0, 0],
  ['failed', 1, 1],
  ['failed', 5, 5],
  ['failed', null, 1],
  ['cancelled', null, 143],
  ['timed-out', null, 124],
] as const)('watch of a run that %s with %j ends with %d', async (outcome, exitCode, code) => {
  const { put, context } = aRun(outcome);
  put(runKeys(RUN_ID).summary, aSummary({ outcome, exitCode }));
  expect(await watch(context, RUN_ID)).toBe(code);
});

it.each(['../x', 'a/../../x', '..', '../../../x'])(
  'fetch writes %s nowhere, and the rest where it belongs',
  async (path) => {
    const { put, context, said, into } = aRun('failed');
    const sha256 = createHash('sha256').update('good').digest('hex');
    const files = [path, 'deep/good.csv'].map((one) => ({ path: one, size: 4, sha256 }));
    put(runKeys(RUN_ID).outputIndex, { files, missing: [] });
    put(`${runKeys(RUN_ID).outputs}deep/good.csv`, 'good');
    const { outputs } = runKeys(RUN_ID);
    if (!path.endsWith('..')) put(join(outputs, path), 'good');
    expect(await fetch(context, RUN_ID, 'out')).toBe(1);
    expect(said.err).toBe(`${path}: would lie outside of the folder\n`);
    expect(readFileSync(join(into, 'deep/good.csv'), 'utf8')).toBe('good');
    expect(existsSync(join(into, '../x'))).toBe(false);
  },
);

it.each(['NoSuchKey', 'AccessDenied'] as const)(
  'an object that is not there, which S3 answers with %s, is not there yet',
  async (missing) => {
    expect(await readText(memoryS3('b', missing), 'b', 'runs/x/status.json')).toBeUndefined();
    const broken = { send: () => Promise.reject(awsError('InternalError', 500)) };
    await expect(readText(broken, 'b', 'x')).rejects.toThrow('on purpose');
  },
);
