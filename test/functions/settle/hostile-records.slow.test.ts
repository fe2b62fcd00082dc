import { describe, it } from 'vitest';
import { hostileObjects } from '../../fixtures/hostile-records.ts';
import { endAll, foldersOf, SITUATIONS } from './hostile-run.ts';

const FOLDERS = foldersOf(hostileObjects());
const AT_ONCE = 30;
/** The first, with the most in them, in each situation; the others in one of them. */
const foldersIn = (situation: number) =>
  FOLDERS.filter((_, index) => index < AT_ONCE || index % SITUATIONS.length === situation);
const PARTS = Array.from({ length: Math.ceil(foldersIn(0).length / AT_ONCE) }, (_, part) => part * AT_ONCE);

describe.each(SITUATIONS)('every field of every record, attacked in every way: %s', (situation) => {
  it.each(PARTS)('from the %dth on', async (from) =>
    endAll(situation, foldersIn(SITUATIONS.indexOf(situation)).slice(from, from + AT_ONCE)),
  );
});
