import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSeed } from '../../local/simulation/run-seed.ts';
import { awsVenv } from '../../scripts/aws-venv.ts';
import type { RecordedCall } from './record-calls.ts';
import { recordCalls } from './record-calls.ts';

const JUDGE = fileURLToPath(new URL('./validate_calls.py', import.meta.url));
const SEEDS = 40;
/** Required by the model, and left out by AWS (and the SDK's own samples) while a job has not started. docs/aws-facts.md */
const EXPLAINED = /^batch DescribeJobs: output: Missing required parameter in jobs\[\d+\]: "startedAt"$/;

const calls: RecordedCall[] = [];
let bin = '';
let stop: () => void = () => undefined;

beforeAll(async () => {
  bin = await awsVenv();
  stop = recordCalls((call) => calls.push(call));
  for (let seed = 1; seed <= SEEDS; seed += 1) await runSeed(seed);
});
afterAll(() => stop());

function judge(recorded: readonly RecordedCall[]): { judged: number; faults: string[] } {
  const { stdout, stderr, status } = spawnSync(join(bin, 'python'), [JUDGE], {
    input: recorded.map((call) => JSON.stringify(call)).join('\n'),
    encoding: 'utf8',
    timeout: 200_000,
    maxBuffer: 256 * 1024 * 1024,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const judged: number = lines.pop().judged;
  return {
    judged,
    faults: [...new Set(lines.map(({ operation, fault }) => `${operation}: ${String(fault).slice(0, 300)}`))],
  };
}

describe("every call of the simulated control plane, judged by AWS's models", () => {
  it('asks what AWS takes, and our fakes answer and refuse as AWS does', () => {
    // Each call once: what differs only in names is judged once.
    const different = new Map(
      calls.map((call) => [JSON.stringify(call).replaceAll(/[0-9a-f]{8,}|\d+/g, 'N'), call]),
    );
    const { judged, faults } = judge([...different.values()]);
    expect(faults.filter((fault) => !EXPLAINED.test(fault))).toEqual([]);
    expect(judged).toBe(different.size);
    const reached = new Set(calls.map(({ operation }) => operation));
    for (const operation of [
      'SubmitJob',
      'DescribeJobs',
      'ListJobs',
      'TerminateJob',
      'StartExecution',
      'DescribeExecution',
      'StopExecution',
      'SendTaskSuccess',
      'PutObject',
      'GetObject',
      'HeadObject',
      'DeleteObject',
      'ListObjectsV2',
    ])
      expect(reached, operation).toContain(operation);
  });

  it.each([
    ['a field that does not exist', { jobNme: 'x' }],
    ['a name that Batch refuses', { jobName: 'a b' }],
    ['eleven attempts', { retryStrategy: { attempts: 11 } }],
    ['a limit of five seconds', { timeout: { attemptDurationSeconds: 5 } }],
    ['a type that is none', { tags: 'x' }],
  ])('would find %s', (_, mistake) => {
    const good = calls.find(({ operation, error }) => operation === 'SubmitJob' && error === undefined);
    expect(judge([{ service: 'batch', operation: 'SubmitJob', input: {}, ...good }]).faults).toEqual([]);
    const planted = { ...Object(good?.input), ...mistake };
    expect(
      judge([{ service: 'batch', operation: 'SubmitJob', ...good, input: planted }]).faults,
    ).toHaveLength(1);
  });
});
