import { expect } from 'vitest';
import type { ManifestFormat } from '../../../experiment/manifest/parse.ts';
import { parseManifest } from '../../../experiment/manifest/parse.ts';
import { WorkCounter } from '../../work-counter.ts';

/** Executed blocks of code a byte. The costliest of the texts needs half; what grows with the square needs thousands. */
const MAX_WORK = 40;

/** Reads, and fails when that throws or says nothing of what is wrong. */
export function read(bytes: Uint8Array, as: ManifestFormat): void {
  const result = parseManifest(bytes, as);
  if (result.ok) return;
  expect(result.faults.length).toBeGreaterThan(0);
  const lines = result.text.split('\n');
  for (const fault of result.faults) {
    expect(fault.message).not.toBe('');
    // A place is one that exists, and the offending text stands there.
    if (fault.line > 0) expect(lines[fault.line - 1]?.slice(fault.column - 1)).toContain(fault.text);
  }
}

/** The same, in both notations; and the work for it grows with the bytes and no faster. */
export function readWithLittleWork(text: string): void {
  const bytes = Buffer.from(text);
  const counter = new WorkCounter();
  try {
    for (const as of ['yaml', 'json'] as const) {
      const work = counter.of(() => void parseManifest(bytes, as));
      expect(work / bytes.length, as).toBeLessThan(MAX_WORK);
      read(bytes, as);
    }
  } finally {
    counter.close();
  }
}
