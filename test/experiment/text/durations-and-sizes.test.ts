import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseDuration, renderDuration } from '../../../experiment/text/duration.ts';
import { parseSize, renderSize } from '../../../experiment/text/size.ts';

it('a duration is read back as it is written', () => {
  fc.assert(
    fc.property(fc.nat(1e9), (seconds) => {
      expect(parseDuration(renderDuration(seconds))).toBe(seconds);
    }),
  );
});

it('a size is read back as it is written', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e8 }), (mebibytes) => {
      expect(parseSize(renderSize(mebibytes))).toBe(mebibytes);
    }),
  );
});

it.each([
  ['90s', 90],
  ['1h30m', 5400],
  ['2d', 172_800],
  ['1d1h1m1s', 90_061],
])('%s is %i seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

it.each(['', '90', 's', '1.5h', '30m1h', '1H', ' 1h', '1h ', '1h\n', '-1s', '1w', '1h1h', '9999999999s'])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

it.each([
  ['512MiB', 512],
  ['8GiB', 8192],
  ['1TiB', 1_048_576],
])('%s is %i MiB', (text, mebibytes) => {
  expect(parseSize(text)).toBe(mebibytes);
});

it.each([
  '',
  '8',
  'GiB',
  '8GB',
  '8gib',
  '1.5GiB',
  '8 GiB',
  '-8GiB',
  '8GiB\n',
  '9999999999MiB',
  '8constructor',
])('%j is no size', (text) => {
  expect(parseSize(text)).toBeUndefined();
});
