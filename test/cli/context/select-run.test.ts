import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { clean } from '../../../cli/commands/maintenance/clean.ts';
import { cancel } from '../../../cli/commands/runs/cancel.ts';
import { status } from '../../../cli/commands/runs/status.ts';
import { runIdArgument } from '../../../cli/context/arguments.ts';
import { folderStore } from '../../../cli/context/folder-store.ts';
import type { RunStore } from '../../../cli/context/run-store.ts';
import { namedRun } from '../../../cli/context/select-run.ts';
import type { LiveSystem, Target } from '../../../cli/context/target.ts';
import { aStatus } from '../../fixtures/records.ts';
import { aTarget, contextIn, folderOfItsOwn } from '../context.ts';

/** Runs by id, each accepted an hour after the one before. */
function targetWith(runIds: readonly string[], change: Partial<RunStore> = {}): Target {
  const bucket = folderOfItsOwn();
  for (const [hour, runId] of runIds.entries()) {
    mkdirSync(join(bucket, 'runs', runId), { recursive: true });
    const at = new Date(Date.UTC(2026, 0, 2, hour)).toISOString();
    const record = aStatus({ runId, state: 'succeeded', history: [{ state: 'succeeded', at }] });
    writeFileSync(join(bucket, 'runs', runId, 'status.json'), JSON.stringify(record));
  }
  return aTarget({ ...folderStore(bucket), ...change }, { live: {} as LiveSystem });
}

const OLD = 'sweep-0a000000001';
const NEWEST_SWEEP = 'sweep-0a000000000';
const OTHER = 'sweep-two-0b000000000';
const LAST = 'alone-0c000000000';
const ALL = [OLD, NEWEST_SWEEP, OTHER, LAST];

it.each([
  ['last', LAST],
  ['alone', LAST],
  ['al', LAST],
  ['sweep-0a000000001', OLD],
  ['sweep-0a00000000', undefined],
  ['sweep-t', OTHER],
  ['sweep', NEWEST_SWEEP],
  ['swee', undefined],
  ['sweep-', undefined],
])('of these runs %s means %s', async (word, runId) => {
  const found = namedRun(targetWith(ALL), word);
  if (runId === undefined) await expect(found).rejects.toThrow(`${word} is the beginning of several runs`);
  else expect(await found).toBe(runId);
});

it.each([
  ['swe', 'the only name with this beginning'],
  ['sweep', 'the name'],
])('%s means the newest run where it is %s', async (word) => {
  expect(await namedRun(targetWith([NEWEST_SWEEP, OLD]), word)).toBe(OLD);
});

test('an exact id is looked up nowhere, and the only id with a beginning is read nowhere', async () => {
  const never = async () => {
    throw new Error('asked for');
  };
  expect(await namedRun(targetWith([], { folders: never, text: never }), OLD)).toBe(OLD);
  expect(await namedRun(targetWith(ALL, { text: never }), 'sweep-t')).toBe(OTHER);
});

test('of many that are meant ten are listed, the newest first', async () => {
  const ids = Array.from({ length: 12 }, (_, index) => `many-0000000000${index.toString(16)}`);
  await expect(namedRun(targetWith(ids), 'many-0')).rejects.toThrow(
    `many-0 is the beginning of several runs in here: ${ids.slice(2).reverse().join(', ')} and 2 more; write more of the id`,
  );
});

test('where none is meant, a sentence says so', async () => {
  await expect(namedRun(targetWith([]), 'last')).rejects.toThrow('there are no runs in here yet');
  await expect(namedRun(targetWith(ALL), 'nine')).rejects.toThrow(
    'no run in here has an id that begins with nine; `sierra-batch runs` lists them',
  );
  for (const text of ['../x', 'Last', '-a', 'a/b', '', 'a'.repeat(73)])
    expect(() => runIdArgument(text)).toThrow('A run id is');
});

test('commands take such a word, and say the full id', async () => {
  const at = targetWith(ALL);
  const { context, said } = contextIn('/', { at });
  expect(await status(context, 'last')).toBe(0);
  expect(await cancel(context, 'sweep-t')).toBe(0);
  expect(said.out).toContain(`${LAST}: succeeded`);
  expect(said.out).toContain(`${OTHER} has ended before: succeeded.`);
  await expect(clean(context, ['sweep', OLD, 'sweep'], { yes: true })).rejects.toThrow();
  expect(said.err).toBe(`To be removed: ${NEWEST_SWEEP}, ${OLD}\n`);
});

test('nothing is removed unasked', async () => {
  const { context } = contextIn('/', { at: targetWith(ALL) });
  await expect(clean(context, [OLD], {})).rejects.toThrow(/nothing was removed; --yes/);
});
