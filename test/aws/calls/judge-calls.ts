import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { awsVenv } from '../../../scripts/install/aws-venv.ts';
import type { RecordedCall } from './recorded-call.ts';

const JUDGE = fileURLToPath(new URL('./validate_calls.py', import.meta.url));

/** What AWS's models, and the limits that they lack, have against the calls: each fault once. What differs only in names and numbers is judged once. */
export async function judgeCalls(calls: readonly RecordedCall[]): Promise<string[]> {
  const lines = calls.map((call) => JSON.stringify(call));
  const different = new Map(lines.map((line) => [line.replaceAll(/[0-9a-f]{8,}|\d+/g, 'N'), line]));
  const { stdout, stderr, status } = spawnSync(join(await awsVenv(), 'python'), [JUDGE], {
    input: [...different.values()].join('\n'),
    encoding: 'utf8',
    timeout: 200_000,
    maxBuffer: 256 * 1024 * 1024,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(told.pop()).toEqual({ judged: different.size });
  return [...new Set(told.map(({ operation, fault }) => `${operation}: ${String(fault).slice(0, 300)}`))];
}
