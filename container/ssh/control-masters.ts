import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Clock } from '../../experiment/util/clock.ts';
import { after } from '../../experiment/util/timers.ts';
import type { Log } from '../process/log.ts';
import { commandOutput } from '../util/run-command.ts';

const UP_WITHIN_MS = 20_000;

/**
 * One open ssh connection a node that GNU parallel's own ssh commands share (`ControlPath`): six times the tasks a second.
 * Opened here, as children with an owner, because a master opened by a task prints a warning when two start at once and
 * one made by `parallel -M` stays behind.
 */
export class SshMasters {
  readonly #config: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #children = new Map<string, ChildProcess>();

  constructor(config: string, clock: Clock, log: Log) {
    this.#config = config;
    this.#clock = clock;
    this.#log = log;
  }

  /** Opens the connection to one node. False when it does not come up: tasks then connect one by one. */
  async open(address: string): Promise<boolean> {
    const child = spawn('ssh', ['-F', this.#config, '-o', 'ControlMaster=yes', '-N', address], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-500);
    });
    child.once('error', (error) => this.#log('SshMaster:Failed', { address, why: error.message }));
    child.once('close', (code) => {
      if (this.#children.delete(address)) this.#log('SshMaster:Ended', { address, code, said: said.trim() });
    });
    this.#children.set(address, child);
    const deadline = this.#clock.now() + UP_WITHIN_MS;
    while (this.#children.has(address) && this.#clock.now() < deadline) {
      const check = await commandOutput('ssh', ['-F', this.#config, '-O', 'check', address], {
        timeoutMs: 5000,
      });
      if (check.code === 0) return true;
      await this.#clock.sleep(50);
    }
    return false;
  }

  async close(address: string): Promise<void> {
    const child = this.#children.get(address);
    if (child === undefined) return;
    this.#children.delete(address);
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    const cancel = after(this.#clock, 1000, () => child.kill('SIGKILL'));
    await closed;
    cancel();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((address) => this.close(address)));
  }
}
