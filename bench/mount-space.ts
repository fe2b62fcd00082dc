import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Mounts of its own for what is started in it, as every machine has: each sees shared storage through a client of its own. */
export class MountSpace {
  readonly #keeper: ChildProcess;

  /** @throws Error without root */
  static async open(): Promise<MountSpace> {
    // `cat` keeps it until its input ends, however this process ends.
    const keeper = spawn('unshare', ['--mount', '--propagation', 'private', 'cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    keeper.stdin.on('error', () => undefined); // its end tells more than its pipe
    keeper.stdin.write('\n');
    const [came] = await Promise.race([once(keeper.stdout, 'data'), once(keeper, 'close')]);
    if (!Buffer.isBuffer(came)) throw new Error('unshare made no mounts of its own');
    return new MountSpace(keeper);
  }

  private constructor(keeper: ChildProcess) {
    this.#keeper = keeper;
  }

  /** A process in it. */
  get pid(): number {
    return this.#keeper.pid ?? 0;
  }

  /** What stands before a command that is to run in it; the process stays the same. */
  get entry(): readonly [string, ...string[]] {
    return ['nsenter', '--target', String(this.pid), '--mount', '--'];
  }

  async close(): Promise<void> {
    const closed = once(this.#keeper, 'close');
    this.#keeper.stdin?.end();
    await closed;
  }
}
