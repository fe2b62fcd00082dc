import { appendFileSync, rmSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Attempt } from '../../../container/attempt/attempt.ts';
import { prepareInputs } from '../../../container/run/prepare-inputs.ts';
import { makeRunFolders } from '../../../container/storage/run-folders.ts';
import { freezeCommands } from '../../../container/tasks/freeze-commands.ts';
import { alreadyDone } from '../../../container/tasks/resume.ts';
import { Design } from '../../../experiment/commands/design.ts';
import { expandTemplate } from '../../../experiment/commands/list.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { renderJoblogRow } from '../../../experiment/results/joblog.ts';
import { folderOfItsOwn } from '../../cli/context.ts';
import { anAttempt } from '../../fixtures/attempt.ts';
import { aRow } from '../../fixtures/records.ts';

/** One run in a folder: its list, what its program is, and the places of the tasks that fail if they run. */
interface Edition {
  list: readonly string[];
  program: string;
  speed: string;
  keep: boolean;
  failing: readonly number[];
}

/** A success that counts. */
interface Success {
  command: string;
  place: number;
  version: string;
}

const versionOf = ({ program, speed }: Edition) => `${program} ${speed}`;

/**
 * The oracle, from the words of the manual alone: a task is known by its command, and by its place too where the command
 * occurs more than once in either list, or names its number. For each task of the new list the success that it has already.
 */
function successes(
  past: readonly Success[],
  before: readonly string[],
  now: Edition,
): (Success | undefined)[] {
  return now.list.map((command, at) => {
    const times = (list: readonly string[]) => list.filter((each) => each === command).length;
    const byPlace =
      /SIERRA_BATCH_TASK|PARALLEL_SEQ/.test(command) || times(now.list) > 1 || times(before) > 1;
    return past.find(
      (one) =>
        one.command === command &&
        (!byPlace || one.place === at + 1) &&
        (!now.keep || one.version === versionOf(now)),
    );
  });
}

/** What node 0 would run of it in the attempt's folder; then its rows are written there. */
async function runs(base: Attempt, now: Edition, second: number): Promise<number[]> {
  const attempt = {
    ...base,
    context: {
      ...base.context,
      clock: { now: () => second * 1000, sleep: async () => undefined },
    },
    plan: {
      ...base.plan,
      inputs: [{ kind: 'object', bucket: 'b', key: 'program', to: 'program' } as const],
      environment: { SPEED: now.speed },
      ...(now.keep ? { keep: 'same' as const } : {}),
    },
  };
  const { context, config, folders } = attempt;
  const key = runKeys(config.runId).commands;
  const put = (Key: string, Body: string) => context.s3.putObject({ Bucket: 'b', Key, Body });
  await put('program', now.program);
  await put(key, now.list.map((line) => `${line}\n`).join(''));
  await makeRunFolders(folders, config.runId);
  const { forget } = await prepareInputs(attempt);
  const work = { kind: 'commands', file: { kind: 'frozen', key, total: now.list.length } } as const;
  await freezeCommands(context, config, work, folders);
  await forget(folders.joblog);
  const { done } = await alreadyDone(folders.joblog, now.list.length);
  const ran = now.list.flatMap((_, at) => (done.has(at + 1) ? [] : [at + 1]));
  for (const seq of ran) {
    const exitval = now.failing.includes(seq) ? 1 : 0;
    const row = aRow(seq, { command: now.list[seq - 1] ?? '', exitval, startTime: second + 1 });
    appendFileSync(folders.joblog, `${renderJoblogRow(row)}\n`);
  }
  return ran;
}

const command = fc.constantFrom(
  'a',
  'b',
  'c\t2',
  'größe',
  'e $PARALLEL_SEQ',
  'f $SIERRA_BATCH_TASK',
  's 1 x',
);
const values = fc.uniqueArray(fc.constantFrom('1', '2', '3'), { minLength: 1 });
const matrix = fc
  .record({ n: values, v: fc.uniqueArray(fc.constantFrom('x', 'y'), { minLength: 1 }) })
  .map((axes) => [...expandTemplate('s {n} {v}', new Design({ matrix: axes }, 'sweep')).lines]);
const edition = fc.record({
  list: fc.oneof(fc.array(command, { minLength: 1, maxLength: 9 }), matrix),
  program: fc.constantFrom('1', '2'),
  speed: fc.constantFrom('slow', 'fast'),
  keep: fc.boolean(),
  failing: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
});

it('any edit of list, matrix, order, program and environment runs exactly what is new or failed', async () => {
  const { attempt } = await anAttempt({ config: { shared: folderOfItsOwn() } });
  await fc.assert(
    fc.asyncProperty(fc.array(edition, { minLength: 2, maxLength: 5 }), async (editions) => {
      rmSync(attempt.folders.run, { recursive: true, force: true });
      let past: Success[] = [];
      let before: readonly string[] = [];
      for (const [index, now] of editions.entries()) {
        const known = successes(past, before, now);
        const expected = known.flatMap((one, at) => (one === undefined ? [at + 1] : []));
        expect(await runs(attempt, now, 1_800_000_000 + 100 * index)).toEqual(expected);
        past = [...now.list].flatMap((each: string, at) => {
          const place = at + 1;
          const earlier = known[at];
          if (earlier !== undefined) return [{ ...earlier, place }];
          return now.failing.includes(place) ? [] : [{ command: each, place, version: versionOf(now) }];
        });
        before = now.list;
      }
    }),
    { numRuns: 12 },
  );
});
