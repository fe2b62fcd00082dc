import { expect, test } from 'vitest';
import { parseManifest } from '../../experiment/manifest/parse.ts';
import type { ManifestFormat } from '../../experiment/manifest/source/read.ts';
import { changesForFault } from '../../local/start/manifest-options.ts';
import type { Edit } from '../../submission/edit-manifest.ts';
import { editedText } from '../../submission/edit-manifest.ts';
import { changesForOptions, remarksOnNodes } from '../../submission/nodes-option.ts';

const BLOCK = `# a comment
apiVersion: sierra-batch/v1
name: sweep # here
cluster:
  nodes: 4   # four
minNodes: 4
run:
  commands:
    template: >-
      echo "{seed}"
      and so on
    matrix: {seed: [1, 2]}
inputs:
  - from: ./project
    to: .
environment: {ONE: 01, POINT: 1.0}
`;
const JSON_TEXT =
  '{"apiVersion": "sierra-batch/v1", "name": "sweep", "cluster": {"nodes": 4}, "run": {"commands": {"list": ["a", "b"]}}, "environment": {"POINT": 1.0}}';

test('what is written anew is there, and nothing else has changed', () => {
  const { text, manifest } = edited(BLOCK, 'yaml', [
    { path: ['cluster', 'nodes'], value: 2 },
    { path: ['minNodes'], value: 2 },
    { path: ['run', 'fanout'], value: 'stock' },
    { path: ['run', 'commands', 'template'], value: 'say "{seed}" \\ é' },
    { path: ['inputs', 0, 'from'], value: `inputs/${'0'.repeat(64)}.tar.gz` },
    { path: ['timeouts', 'queue'], value: '15s' },
  ]);
  expect(manifest).toMatchObject({
    cluster: { nodes: 2 },
    minNodes: 2,
    run: { fanout: 'stock', commands: { template: 'say "{seed}" \\ é', matrix: { seed: ['1', '2'] } } },
    inputs: [{ from: `inputs/${'0'.repeat(64)}.tar.gz`, to: '.' }],
    timeouts: { queue: 15 },
  });
  for (const kept of [
    '# a comment\n',
    'name: sweep # here\n',
    '  nodes: 2   # four\n',
    '{ONE: 01, POINT: 1.0}\n',
  ])
    expect(text).toContain(kept);
});

test('JSON stays JSON, and its numbers as they were written', () => {
  const { text, manifest } = edited(JSON_TEXT, 'json', [
    { path: ['run', 'fanout'], value: 'pool' },
    { path: ['run', 'commands', 'list', 1], value: 'c' },
    { path: ['timeouts', 'join'], value: '3s' },
  ]);
  expect(manifest).toMatchObject({
    run: { fanout: 'pool', commands: { list: ['a', 'c'] } },
    timeouts: { join: 3 },
  });
  expect(text).toContain('{"POINT": 1.0}');
});

test('fewer nodes than minNodes lower it as well', () => {
  expect(changesForOptions({ minNodes: 3 }, { nodes: 2 })).toContainEqual({ path: ['minNodes'], value: 2 });
  expect(changesForOptions({ minNodes: 3 }, { nodes: 3 })).toEqual([
    { path: ['cluster', 'nodes'], value: 3 },
  ]);
});

test('more nodes than one machine likes are remarked upon, as many as there will be', () => {
  const manifest = { cluster: { nodes: 200 } };
  expect(remarksOnNodes(manifest, {})).toEqual([
    expect.stringMatching(/^200 nodes on this machine need about 16 GB .*`--nodes 4`/),
  ]);
  expect(remarksOnNodes(manifest, { nodes: 16 })).toEqual([]);
});

test('a fault lowers a limit that is longer than anyone watches, and only then', () => {
  const { manifest } = edited(BLOCK, 'yaml', []);
  expect(changesForFault(manifest, 'worker-never-comes').edits).toEqual([
    { path: ['timeouts', 'join'], value: '15s' },
  ]);
  expect(changesForFault({ ...manifest, timeouts: { join: 5 } }, 'worker-never-comes').edits).toEqual([]);
  expect(changesForFault(manifest, 'event-lost').edits).toEqual([]);
});

function edited(text: string, format: ManifestFormat, edits: readonly Edit[]) {
  const before = parse(text, format);
  const after = editedText(before.source, edits);
  return { text: after, manifest: parse(after, format).manifest };
}

function parse(text: string, format: ManifestFormat) {
  const parsed = parseManifest(Buffer.from(text), format, { origin: 'file' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed;
}
