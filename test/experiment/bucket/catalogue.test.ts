import { expect, it } from 'vitest';
import { BUCKET_RECORDS } from '../../../experiment/bucket/catalogue.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { isMadeOf } from '../../../local/aws/events/wildcard.ts';

const { folder: _, events: __, outputs: ___, ...keys } = runKeys('sweep-0123456789a');
const KEYS: [string, string][] = Object.entries(keys).map(([name, key]) => [
  name,
  typeof key === 'string' ? key : Reflect.apply(key, undefined, ['1', 'out']),
]);

it.each(KEYS)('knows who writes %s of a run: the bucket’s policy is made from it', (_name, key) => {
  expect(BUCKET_RECORDS.filter((one) => isMadeOf(key, one.key.split(/<[^<>]*>/)))).not.toEqual([]);
});
