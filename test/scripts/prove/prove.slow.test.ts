import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { evidenceSchema } from '../../../scripts/prove/evidence.ts';
import { replay } from '../../../scripts/prove/replay.ts';
import type { Middle } from './account.ts';
import { startAccount } from './account.ts';

const MAIN = fileURLToPath(new URL('../../../scripts/prove/main.ts', import.meta.url));
const output = join(mkdtempSync('/tmp/sbe-'), 'evidence.json');

let account: Awaited<ReturnType<typeof startAccount>>;
let middle: Middle = () => undefined;
beforeAll(async () => {
  account = await startAccount((service, count) => middle(service, count));
});
afterAll(() => account.close());

function prove(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH, ...account.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  return { child, ended: once(child, 'exit').then(([code]) => ({ code, said })) };
}

it('settles every question and leaves nothing, though calls fail in the middle', async () => {
  middle = (_, count) => (count % 37 === 0 ? 'busy' : count % 53 === 0 ? 'broken' : undefined);

  const { code, said } = await prove('--yes', '--output', output).ended;

  middle = () => undefined;
  const evidence = evidenceSchema.parse(JSON.parse(readFileSync(output, 'utf8')));
  const verdicts = evidence.trials.flatMap(({ answers }) =>
    answers.map((each) => [each.question, each.verdict]),
  );
  expect(Object.fromEntries(verdicts), said).toEqual({
    researcher: 'as assumed',
    operator: 'as assumed',
    'list-delay': 'as assumed',
    'instance-type': 'as assumed',
    'update-leaves-jobs': 'as assumed',
    'events-read': 'as assumed',
    'child-stopped': 'as assumed',
    'instance-given-back': 'as assumed',
    'main-ends': 'as assumed',
    'host-lost': 'as assumed',
    'stop-timeout': 'as assumed',
    gpu: 'not asked',
  });
  expect([code, evidence.against, evidence.leftBehind]).toEqual([0, 'local', []]);
  expect(await account.left()).toEqual([]);
  expect(await replay(evidence)).toEqual([]);
});

it.each([
  ['SIGINT', 'researcher', 12],
  ['SIGKILL', 'operator', 16],
  ['SIGKILL', 'calm', 10],
  ['SIGINT', 'calm', 14],
  ['SIGKILL', 'calm', 30],
  ['SIGINT', 'calm', 45],
  ['SIGKILL', 'calm', 60],
  ['SIGINT', 'children', 30],
  ['SIGKILL', 'host', 30],
  ['SIGINT', 'cancelled', 30],
] as const)('leaves nothing when it gets %s in %s at call %i', async (signal, trial, call) => {
  const before = account.calls();
  const { child, ended } = prove('--yes', '--only', trial, '--output', `${output}.interrupted`);
  let at = '';
  middle = (service, count) => {
    if (count === before + call) {
      at = service;
      child.kill(signal);
    }
    return undefined;
  };
  const { said } = await ended;
  middle = () => undefined;

  // Killed, it removes nothing: the next one does.
  const cleaned = signal === 'SIGKILL' ? await prove('--clean').ended : undefined;

  expect(await account.left(), `${said}${cleaned?.said}`).toEqual([]);
  expect(at).not.toBe('');
});
