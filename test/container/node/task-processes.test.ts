import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { TaskProcesses } from '../../../container/node/task-processes.ts';
import { NODE_MARKER } from '../../../container/process/environment.ts';
import { realClock } from '../../../local/clock/real.ts';
import { folderOfItsOwn } from '../../cli/context.ts';

const NEVER_MS = 20_000;

/** A node's tasks. `start` runs a script in a session of its own and waits until it has made the file `ready`. */
function aNode() {
  const folder = folderOfItsOwn();
  const marker = `job-1-${process.pid}-${folder.at(-1)}`;
  const tasks = new TaskProcesses(marker, () => undefined, realClock);
  const start = async (script: string, marked = true): Promise<ChildProcess> => {
    const named = marked ? NODE_MARKER : `NOT_${NODE_MARKER}`;
    const env = { [named]: marker, PATH: process.env.PATH };
    const child = spawn('bash', ['-c', script], { cwd: folder, detached: true, stdio: 'ignore', env });
    onTestFinished(() => void child.kill('SIGKILL'));
    await expect.poll(() => existsSync(join(folder, 'ready'))).toBe(true);
    return child;
  };
  return { tasks, start, file: (name: string) => join(folder, name) };
}

/** As `/proc` has it: T for stopped. */
const stateOf = ({ pid }: ChildProcess) =>
  / \(bash\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];

it('a stopped task gets TERM before KILL: its trap has run', async () => {
  const { tasks, start, file } = aNode();
  const child = await start('trap "touch trapped; exit" TERM; touch ready; while :; do sleep 0.01; done');
  expect(tasks.signalTasks('SIGSTOP')).toBeGreaterThan(0);
  await expect.poll(() => stateOf(child)).toBe('T');
  expect(await tasks.end(NEVER_MS)).toBe(0);
  expect(existsSync(file('trapped'))).toBe(true);
});

it('a task that was stopped goes on when it is told to', async () => {
  const { tasks, start } = aNode();
  const child = await start('touch ready; while :; do sleep 0.01; done');
  tasks.signalTasks('SIGSTOP');
  await expect.poll(() => stateOf(child)).toBe('T');
  tasks.signalTasks('SIGCONT');
  await expect.poll(() => stateOf(child)).not.toBe('T');
  expect(await tasks.end(0)).toBe(0);
});

it('a task that takes no TERM is killed after its grace time', async () => {
  const { tasks, start } = aNode();
  const child = await start('trap "" TERM; touch ready; while :; do sleep 0.01; done');
  const ended = new Promise((resolve) => child.on('exit', (_, signal) => resolve(signal)));
  expect(await tasks.end(50)).toBe(0);
  expect(await ended).toBe('SIGKILL');
});

it('what a task left in a session of its own belongs to it, with or without its variables; others do not', async () => {
  const { tasks, start } = aNode();
  const other = await start('touch ready; exec sleep 60', false);
  await start('setsid bash -c "sleep 61; :" & setsid env -i sleep 62 & touch both; wait');
  await expect.poll(() => tasks.tasks().length).toBe(4);
  expect(tasks.tasks()).not.toContain(other.pid);
  expect(await tasks.end(NEVER_MS)).toBe(0);
  expect(tasks.tasks()).toEqual([]);
  expect(other.exitCode).toBeNull();
});
