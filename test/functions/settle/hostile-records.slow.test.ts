import { describe, it } from 'vitest';
import { hostileObjects } from '../../fixtures/hostile-records.ts';
import { endAll, foldersOf, SITUATIONS } from './hostile-run.ts';

/** `HOSTILE=all` attacks all in each situation, which takes half an hour; else each in one of them. */
const ALL = process.env.HOSTILE === 'all';
const FOLDERS = foldersOf(hostileObjects());
const AT_ONCE = 30;
const mine = (situation: number) =>
  FOLDERS.filter((_, index) => ALL || index % SITUATIONS.length === situation);
const PARTS = Array.from({ length: Math.ceil(mine(0).length / AT_ONCE) }, (_, part) => part * AT_ONCE);

describe.each(SITUATIONS)('every field of every record, attacked in every way: %s', (situation) => {
  it.each(PARTS)('from the %dth on', { timeout: 300_000 }, async (from) =>
    endAll(situation, mine(SITUATIONS.indexOf(situation)).slice(from, from + AT_ONCE)),
  );
});
