import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ownFiles } from '../../../local/util/list-own-files.ts';

const MARK = `4711.${process.pid}`;
/** Without a mark in its environment, in a session of its own, with a name that no line holds. */
const LEAVES = `
env -i setsid /bin/sleep ${MARK}1 &
(env -i setsid perl -e '$0 = "x\\n) S 1 "; sleep ${MARK}2' &)
sleep 0.3
exit 7`;

function left(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'latin1')];
      } catch {
        return []; // ended meanwhile
      }
    })
    .filter((line) => line.includes(MARK) || line.startsWith('x\n'));
}

test('what a node’s tasks left behind ends with the node, in whatever session it is', async () => {
  const keeper = spawn('perl', [ownFiles.keeper, 'bash', '-c', LEAVES], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  await expect.poll(left).not.toEqual([]);
  expect((await once(keeper, 'exit'))[0]).toBe(7);
  expect(left().filter((line) => !line.includes('LEAVES'))).toEqual([]);
});
