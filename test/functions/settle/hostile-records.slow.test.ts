import { describe, it } from 'vitest';
import { hostileObjects } from '../../fixtures/hostile-records.ts';
import { endAll, foldersOf, SITUATIONS } from './hostile-run.ts';

const FOLDERS = foldersOf(hostileObjects());
const AT_ONCE = 30;
const PARTS = Array.from({ length: Math.ceil(FOLDERS.length / AT_ONCE) }, (_, part) => part * AT_ONCE);

describe.each(SITUATIONS)('every field of every record, attacked in every way: %s', (situation) => {
  it.each(PARTS)('from the %dth on', async (from) => endAll(situation, FOLDERS.slice(from, from + AT_ONCE)));
});
