import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter } from 'node:path';
import type { Clock } from '../../experiment/util/clock.ts';
import { after } from '../../experiment/util/timers.ts';
import type { Log } from '../process/log.ts';
import { findOnPath } from '../util/find-on-path.ts';
import type { SshdSettings } from './daemon-config.ts';
import { renderAuthorizedKey, renderSshdConfig, sshdFiles } from './daemon-config.ts';

export interface Sshd {
  /** Process id of the listener; every session descends from it. undefined between two of them. */
  pid(): number | undefined;
  /** Ends the listener and starts another. Sessions go on, unless they were ended before. @throws SshdFailed */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** sshd did not come up, or keeps dying: says what it wrote. */
class SshdFailed extends Error {
  override readonly name = 'SshdFailed';
}

export interface SshdOptions extends SshdSettings {
  /** Absolute: sshd executes itself again for every connection. */
  binary: string;
  clientKey: string;
  mainAddress: string;
  isRoot: boolean;
  clock: Clock;
  log: Log;
}

const RESTARTS = 5;
const UP_WITHIN_MS = 15_000;

/** Where sshd lies, as an absolute path; it is seldom on an ordinary user's PATH. */
export function findSshd(path: string | undefined): string | undefined {
  const folders = [...(path ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin', '/usr/bin'];
  // sshd wants to be started by its whole path.
  return findOnPath(['sshd'], folders.filter((folder) => folder.startsWith('/')).join(delimiter));
}

/**
 * Starts this node's own sshd on its own address and supervises it: a listener that dies is started again, five times
 * in all. Resolves once it answers with its banner. @throws SshdFailed
 */
export async function startSshd(options: SshdOptions): Promise<Sshd> {
  const files = sshdFiles(options.folder);
  // sshd as root insists on its empty privilege separation folder.
  if (options.isRoot) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  await mkdir(files.home, { recursive: true, mode: 0o700 });
  await writeFile(files.authorizedKeys, renderAuthorizedKey(options.clientKey, options.mainAddress), {
    mode: 0o600,
  });
  await writeFile(files.config, renderSshdConfig(options), { mode: 0o600 });
  const listener = new Listener(options);
  await listener.start();
  return listener;
}

class Listener implements Sshd {
  readonly #options: SshdOptions;
  #child: ChildProcess | undefined;
  #said = '';
  #stopping = false;
  #deaths = 0;

  constructor(options: SshdOptions) {
    this.#options = options;
  }

  pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    const { binary, folder, clock, address, port } = this.#options;
    // What crashed leaves no memory beside its results, unless it asks for that itself.
    const line = ['-c', 'ulimit -S -c 0; exec "$0" "$@"', binary, '-D', '-e', '-f', sshdFiles(folder).config];
    const child = spawn('/bin/sh', line, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      detached: true, // a terminal's Ctrl-C is the runner's to handle
    });
    this.#child = child;
    this.#said = '';
    child.stderr?.on('data', (chunk: Buffer) => this.#hear(chunk.toString('utf8')));
    child.once('error', (error) => this.#hear(error.message));
    const gone = once(child, 'close').then(
      () => 'gone' as const,
      () => 'gone' as const,
    );
    const deadline = clock.now() + UP_WITHIN_MS;
    while (!(await answersAsSsh(address, port))) {
      const state = await Promise.race([gone, clock.sleep(25)]);
      if (state === 'gone' || clock.now() > deadline) {
        // A restart that was asked for may have put another in its place.
        if (this.#child === child) this.#child = undefined;
        child.kill('SIGKILL');
        const why =
          state === 'gone' ? 'it ended at once' : `it did not answer within ${UP_WITHIN_MS / 1000} s`;
        throw new SshdFailed(`sshd on ${address}:${port}: ${why}: ${this.#said.trim().slice(-1000)}`);
      }
    }
    void gone.then(() => this.#died(child));
  }

  async restart(): Promise<void> {
    await this.#end();
    await this.start();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#end();
  }

  async #end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    const cancel = after(this.#options.clock, 2000, () => child.kill('SIGKILL'));
    await closed;
    cancel();
  }

  #hear(text: string): void {
    this.#said = (this.#said + text).slice(-4000);
    for (const line of text.split('\n')) {
      if (line.trim() !== '') this.#options.log('Sshd:Says', { line: line.trim().slice(0, 500) });
    }
  }

  #died(child: ChildProcess): void {
    if (this.#stopping || this.#child !== child) return;
    this.#child = undefined;
    this.#deaths += 1;
    const { log, clock } = this.#options;
    log('Sshd:Died', { code: child.exitCode, signal: child.signalCode, deaths: this.#deaths });
    if (this.#deaths > RESTARTS) {
      log('Sshd:GivenUp', { deaths: this.#deaths });
      return;
    }
    clock
      .sleep(200 * this.#deaths)
      .then(() => (this.#stopping || this.#child !== undefined ? undefined : this.start()))
      .catch((error: unknown) => log('Sshd:NotRestarted', { why: String(error) }));
  }
}

/** A listener is up when it greets: a frozen one accepts connections and then says nothing. */
function answersAsSsh(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, localAddress: address });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2000, () => end(false));
    socket.once('error', () => end(false));
    // With a greeting of its own the caller leaves without a complaint in the log.
    socket.once('connect', () => socket.write('SSH-2.0-sierra-batch-probe\r\n'));
    socket.once('data', (chunk) => end(chunk.toString('latin1').startsWith('SSH-')));
    socket.once('close', () => end(false));
  });
}
