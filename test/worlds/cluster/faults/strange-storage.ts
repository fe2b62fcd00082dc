import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Machine } from '../machine/machine.ts';
import { SHARED_MOUNT } from '../machine/machine.ts';
import { compiled } from './compiled.ts';

const SOURCE = fileURLToPath(new URL('./strange-storage.c', import.meta.url));
const HEADERS = '/usr/include/fuse3';
const COMMON = `${HEADERS}/fuse_common.h`;
const OPTIONS = ['-D_FILE_OFFSET_BITS=64', `-I${HEADERS}`, '-lfuse3'];
const ENDS_WITHIN_MS = 10_000;
const HEARS_WITHIN_MS = 5000;

/** Why there can be no such storage on this machine; undefined where there can. */
export function whyNoStrangeStorage(): string | undefined {
  if (process.getuid?.() !== 0) return 'FUSE for all nodes needs root';
  if (!existsSync('/dev/fuse')) return 'this machine has no /dev/fuse';
  // Of libfuse 3.12 and later.
  if (!existsSync(COMMON) || !readFileSync(COMMON, 'utf8').includes('fuse_loop_cfg_create'))
    return 'the Debian packages gcc and libfuse3-dev (3.12 or later) are missing';
  return undefined;
}

/** Storage that a folder shows through FUSE: with delays, with look-ups that are remembered, perhaps read-only. */
export class StrangeStorage {
  readonly #process: ChildProcess;

  /** Over the shared storage of one machine: in its mounts, and not in the machine, since it is the world outside. */
  static onMachine(machine: Machine, negativeSeconds = 0): Promise<StrangeStorage> {
    return StrangeStorage.mount(SHARED_MOUNT, machine.init.pid, negativeSeconds);
  }

  /**
   * @param pid in whose mounts it is seen
   * @param negativeSeconds for how long it is remembered that there was nothing
   * @throws Error with what FUSE said
   */
  static async mount(folder: string, pid: number, negativeSeconds: number): Promise<StrangeStorage> {
    const daemon = spawn(await compiled(SOURCE, OPTIONS), [folder, String(negativeSeconds), String(pid)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const mounted = new StrangeStorage(daemon);
    let said = '';
    daemon.stdin.on('error', () => undefined); // its end tells more than its pipe
    daemon.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    const isThere = () => readFileSync(`/proc/${pid}/mounts`, 'latin1').includes(` ${folder} fuse`);
    for (let tries = 0; !isThere(); tries += 1) {
      if (daemon.exitCode !== null || tries > 200) {
        await mounted.unmount();
        throw new Error(`no FUSE on ${folder}: ${said.trim()}`);
      }
      await delay(25);
    }
    return mounted;
  }

  private constructor(daemon: ChildProcess) {
    this.#process = daemon;
  }

  /** @param seconds before every call about metadata */
  async slow(seconds: number): Promise<void> {
    await this.#tell(`delay ${seconds}`);
  }

  async readOnly(on: boolean): Promise<void> {
    await this.#tell(`read-only ${on ? 1 : 0}`);
  }

  /** Once it holds. */
  async #tell(line: string): Promise<void> {
    const { stdin, stdout } = this.#process;
    if (stdin === null || stdout === null) throw new Error('FUSE cannot be told anything');
    const done = once(stdout, 'data', { signal: AbortSignal.timeout(HEARS_WITHIN_MS) });
    stdin.write(`${line}\n`);
    await done;
  }

  async unmount(): Promise<void> {
    const daemon = this.#process;
    if (daemon.exitCode !== null || daemon.signalCode !== null) return;
    const ended = once(daemon, 'exit');
    const late = setTimeout(() => daemon.kill('SIGKILL'), ENDS_WITHIN_MS);
    daemon.stdin?.end();
    await ended;
    clearTimeout(late);
  }
}
