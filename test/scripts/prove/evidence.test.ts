import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../scripts/prove/evidence.ts';
import { evidenceSchema, withoutNames } from '../../../scripts/prove/evidence.ts';
import { replay } from '../../../scripts/prove/replay.ts';

const path = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const FIXTURES = path('test/fixtures/evidence');
const files = [FIXTURES, path('docs/evidence')].flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => `${folder}/${file}`),
);
const read = (file: string) => evidenceSchema.parse(JSON.parse(readFileSync(file, 'utf8')));

type Call = Evidence['trials'][number]['calls'][number];

const evidence = (request: Call['request'], operation = 'O', answer: Call['request'] = {}): Evidence => ({
  version: 1,
  against: 'aws',
  date: '2026-11-30',
  region: 'eu-west-1',
  instanceType: 'c6i.4xlarge',
  minutes: 1,
  trials: [
    {
      name: 'calm',
      startedAt: 1,
      endedAt: 2,
      answers: [],
      calls: [{ service: 'S', operation, at: 1_764_500_000_000, ms: 1, times: 1, request, answer }],
    },
  ],
  leftBehind: [],
});

describe('evidence', () => {
  it.each(files)('of %s is what our readers and our AWS Batch say', async (file) => {
    expect(await replay(read(file))).toEqual([]);
  });

  it('that something else than AWS gave is refused', async () => {
    const told = promisify(execFile)(process.execPath, [path('scripts/docs/facts.ts'), '--check', FIXTURES]);

    await expect(told).rejects.toThrow('local-evidence.json is against local: that is no evidence');
  });

  it('has no names, addresses and numbers of an account, and the same one for the same', () => {
    const told = JSON.stringify(
      withoutNames(
        evidence({
          arn: 'arn:aws:sts::999988887777:assumed-role/Admin/ada@lab.org',
          bucket: 'ada-lab-data',
          host: 'ip-172-31-5-9.eu-west-1.compute.internal 172.31.5.9',
          instances: ['i-0abc1234567890def', 'i-0abc1234567890def', 'subnet-0abc1234567890def'],
          mail: 'ada@lab.org',
        }),
        { 'ada-lab-data': 'bucket', 'ada@lab.org': 'caller' },
      ),
    );

    expect(told).not.toMatch(/9999|ada|lab\.org|172|0abc/);
    expect(told).toContain('"i-00000000000000001","i-00000000000000001","subnet-00000000000000002"');
    expect(told).toContain('1764500000000');
  });
});

describe('a replay', () => {
  const [file = ''] = files;
  const changed = (from: RegExp, to: string) =>
    evidenceSchema.parse(JSON.parse(readFileSync(file, 'utf8').replaceAll(from, to)));

  it.each([
    [
      'a reason of the end of an attempt that we do not know',
      /Essential container in task exited/g,
      'It is over',
      /ended as/,
    ],
    ['a state that we do not know', /"RUNNING"/g, '"WALKING"', /DescribeJobs/],
    ['a time that is a text', /"createdAt": (\d+)/g, '"createdAt": "$1"', /DescribeJobs/],
  ])('tells %s', async (_, from, to, difference) => {
    expect((await replay(changed(from, to))).join('\n')).toMatch(difference);
  });

  it.each([
    ['names its job', 'jobName', []],
    ['names none', 'title', ['calm: an event of aws.batch is not read']],
  ])('reads an event as settle does: it %s', async (_, key, differences) => {
    const event = {
      source: 'aws.batch',
      detail: { [key]: 'prove-calm-0123456789a', name: 'prove-calm-0123456789a' },
    };
    const told = evidence({}, 'ReceiveMessage', { Messages: [{ Body: JSON.stringify(event) }] });

    expect(await replay(told)).toEqual(differences);
  });
});
