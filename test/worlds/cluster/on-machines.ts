import { readFileSync } from 'node:fs';
import type { Machine } from './machine/machine.ts';
import { signal } from './machine/processes.ts';

/** A machine's processes with their command lines, by their number outside. */
function processesOf(machine: Machine): { pid: number; command: string[] }[] {
  return machine.processes().flatMap((pid) => {
    try {
      return [{ pid, command: readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0') }];
    } catch {
      return []; // It ended meanwhile.
    }
  });
}

/** The runner on a machine. @throws Error while there is none */
export function runnerOn(machine: Machine): number {
  const found = processesOf(machine).find(
    ({ command: [program = '', script = ''] }) =>
      program.endsWith('node') && script.endsWith('container/main.ts'),
  );
  if (found === undefined) throw new Error(`no runner on node ${machine.settings.index}`);
  return found.pid;
}

/** What a runner was started with. */
export function environmentOf(pid: number): Record<string, string> {
  const pairs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

/** Kills a machine's sshd, its sessions included, and nothing else. Answers how many there were. */
export function killSshd(machine: Machine): number {
  const found = processesOf(machine).filter(({ command: [program = ''] }) => /(^|\/)sshd\b/.test(program));
  for (const { pid } of found) signal(pid, 'SIGKILL');
  return found.length;
}
