import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isManifestKey } from '../../../experiment/layout/bucket-keys.ts';
import { isRunId, makeRunId } from '../../../experiment/layout/run-id.ts';

const source = fc.record({ bucket: fc.string(), key: fc.string(), version: fc.string() });
const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,58}[a-z0-9])?$/);

describe('the run id', () => {
  it('has its shape for every name a manifest may have, and fits an execution name and a job name', () => {
    fc.assert(
      fc.property(name, source, (given, from) => {
        const id = makeRunId(given, from);
        expect(isRunId(id)).toBe(true);
        expect(id.length).toBeLessThanOrEqual(72);
      }),
    );
  });

  it('is the same for the same delivery and another for another version, key or bucket', () => {
    const from = { bucket: 'b', key: 'manifests/a.yaml', version: '1' };
    expect(makeRunId('a', from)).toBe(makeRunId('a', { ...from }));
    const others = [
      { ...from, version: '2' },
      { ...from, key: 'manifests/b.yaml' },
      { ...from, bucket: 'c' },
    ];
    expect(new Set([from, ...others].map((each) => makeRunId('a', each))).size).toBe(4);
  });

  it('does not confuse parts that join to the same text', () => {
    expect(makeRunId('a', { bucket: 'x', key: 'yz', version: '' })).not.toBe(
      makeRunId('a', { bucket: 'xy', key: 'z', version: '' }),
    );
  });
});

describe('a manifest key', () => {
  it.each(['manifests/a.yaml', 'manifests/deep/er/a.yml', 'manifests/a b+c.json'])('%s starts a run', (key) =>
    expect(isManifestKey(key)).toBe(true),
  );
  it.each([
    'runs/x/manifest.yaml',
    'manifests/',
    'manifests/.yaml/',
    'manifests/a.yaml.txt',
    'manifests',
    'a/manifests/a.yaml',
    'manifests/a.YAML',
  ])('%s does not', (key) => expect(isManifestKey(key)).toBe(false));
});
