import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { BUCKET_RECORDS } from '../../../experiment/bucket/catalogue.ts';
import { hostileObjects, samplesOf } from '../../fixtures/hostile-records.ts';
import { endAll, foldersOf, SITUATIONS } from './hostile-run.ts';

const FOLDERS = foldersOf(hostileObjects());
/** So few of them; all are in the slow suite. */
const MOST = 3;

it.each(BUCKET_RECORDS.flatMap(({ key, schema }) => (schema === undefined ? [] : [{ key, schema }])))(
  'the samples of $key are records, so that what is attacked is one field each',
  ({ schema }) => {
    for (const sample of samplesOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })))
      expect(schema.safeParse(sample).error).toBeUndefined();
  },
);

describe('whatever tasks write into the folder of a run, it closes, its job is dead and no other is held up', () => {
  it.each(SITUATIONS)('%s', async (situation) => {
    const every = Math.ceil(FOLDERS.length / MOST);
    const first = SITUATIONS.indexOf(situation);
    await endAll(
      situation,
      FOLDERS.filter((_, index) => index % every === first),
    );
  });
});
