import { describe, expect, it } from 'vitest';
import { hostileTexts } from './hostile-texts.ts';
import { readWithLittleWork } from './read-hostile.ts';

describe('no bytes make reading a manifest throw or work for long', () => {
  it.each(Object.entries(hostileTexts(1)))('1 MiB: %s', (_, text) => {
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024 * 1024);
    readWithLittleWork(text);
  });
});
