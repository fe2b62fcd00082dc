import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Machine } from '../../local/cluster/machine.ts';
import { SHARED_MOUNT } from '../../local/cluster/machine.ts';
import { realClock } from '../../local/real-clock.ts';

const SCRIPT = fileURLToPath(new URL('./strange-storage.py', import.meta.url));

/** Shared storage as one machine sees it through FUSE: with delays, with look-ups that it remembers, perhaps read-only. */
export class StrangeStorage {
  readonly #daemon: ChildProcess;

  /** @param negativeSeconds for how long the machine remembers that there was nothing */
  static async mount(machine: Machine, negativeSeconds = 0): Promise<StrangeStorage> {
    const { pid } = machine.init;
    // In the machine's mounts and not in the machine: it is the world outside.
    const daemon = spawn(
      'nsenter',
      ['--target', `${pid}`, '--mount', '--', '/usr/bin/python3', SCRIPT, SHARED_MOUNT, `${negativeSeconds}`],
      { stdio: ['pipe', 'ignore', 'pipe'] },
    );
    let said = '';
    daemon.stdin.on('error', () => undefined); // Its end tells more than its pipe.
    daemon.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    const isThere = () => readFileSync(`/proc/${pid}/mounts`, 'latin1').includes(`${SHARED_MOUNT} fuse`);
    for (let tries = 0; !isThere(); tries += 1) {
      if (daemon.exitCode !== null || tries > 200)
        throw new Error(`no FUSE on node ${machine.settings.index}: ${said}`);
      await realClock.sleep(25);
    }
    return new StrangeStorage(daemon);
  }

  private constructor(daemon: ChildProcess) {
    this.#daemon = daemon;
  }

  slow(seconds: number): void {
    this.#daemon.stdin?.write(`delay ${seconds}\n`);
  }

  readOnly(on: boolean): void {
    this.#daemon.stdin?.write(`read-only ${on ? 1 : 0}\n`);
  }

  async unmount(): Promise<void> {
    if (this.#daemon.exitCode !== null || this.#daemon.signalCode !== null) return;
    const ended = once(this.#daemon, 'exit');
    const late = setTimeout(() => this.#daemon.kill('SIGKILL'), 5000);
    this.#daemon.stdin?.end();
    await ended;
    clearTimeout(late);
  }
}
