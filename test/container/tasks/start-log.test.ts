import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { StartLog } from '../../../container/tasks/start-log.ts';
import { folderOfItsOwn } from '../../cli/context.ts';

it('knows in later attempts what was running on nodes that were lost, node 0 included', async () => {
  const path = join(folderOfItsOwn(), 'starts');
  const attempt = (number: number, run = 'sweep-1') => StartLog.open(path, run, number, 0);
  const first = await attempt(1);
  for (const [seq, node] of [
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
  ] as const)
    first.started(seq, node);
  first.ended(3);
  first.nodeLost(1);
  await first.close();
  const second = await attempt(2);
  expect([...second.losses]).toEqual([[2, ['node 1 of attempt 1']]]);
  // It dies without a word, in the midst of one.
  second.started(2, 0);
  second.started(4, 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  appendFileSync(path, 'S sweep-1/2 0');
  const third = await attempt(3);
  expect([...third.losses]).toEqual([[2, ['node 1 of attempt 1', 'node 0 of attempt 2']]]);
  await third.close();
  // Who resumes it in the same folder has mended what was wrong.
  const other = await attempt(1, 'sweep-2');
  expect([...other.losses]).toEqual([]);
  await other.close();
});
