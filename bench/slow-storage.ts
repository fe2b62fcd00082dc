import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../test/cluster/strange-storage.py', import.meta.url));
const PYTHON = '/usr/bin/python3';
const MODULE = '/usr/lib/python3/dist-packages/fusepy.py';
/** As an NFS client in another building: each call about metadata waits so long, and what was not there stays so. */
const DELAY_SECONDS = 0.002;
const NEGATIVE_SECONDS = 30;
const ENDS_WITHIN_MS = 10_000;

/** Why there can be no slow storage on this machine; undefined where there can. */
export function whyNoSlowStorage(): string | undefined {
  if (process.getuid?.() !== 0) return 'FUSE for all nodes needs root';
  if (!existsSync('/dev/fuse')) return 'this machine has no /dev/fuse';
  if (!existsSync(MODULE)) return 'the Debian packages fuse3 and python3-fusepy are missing';
  return undefined;
}

/** Puts slow storage over an empty folder, by FUSE. Answers how to take it away again. @throws Error with what FUSE said */
export async function mountSlowStorage(folder: string): Promise<() => Promise<void>> {
  mkdirSync(folder, { recursive: true });
  const daemon = spawn(PYTHON, [SCRIPT, folder, String(NEGATIVE_SECONDS)], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  daemon.stdin.on('error', () => undefined); // its end tells more than its pipe
  daemon.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  const unmount = async () => {
    if (daemon.exitCode !== null || daemon.signalCode !== null) return;
    const ended = once(daemon, 'exit');
    const late = setTimeout(() => daemon.kill('SIGKILL'), ENDS_WITHIN_MS);
    daemon.stdin.end();
    await ended;
    clearTimeout(late);
  };
  for (let tries = 0; !readFileSync('/proc/mounts', 'utf8').includes(` ${folder} fuse`); tries += 1) {
    if (daemon.exitCode !== null || tries > 200) {
      await unmount();
      throw new Error(`no FUSE on ${folder}: ${said.trim()}`);
    }
    await delay(25);
  }
  daemon.stdin.write(`delay ${DELAY_SECONDS}\n`);
  return unmount;
}
