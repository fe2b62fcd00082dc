import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { shellWord } from '../../util/shell-quote.ts';
import type { FanoutNode } from '../fan-out.ts';
import type { Group, NodeMessage } from './agent-messages.ts';
import { parseNodeMessage, renderGroup } from './agent-messages.ts';
import { mostGroups } from './sizing/groups-per-node.ts';

export interface ChannelOptions {
  node: FanoutNode;
  sshConfig: string;
  /** Holds `agent.pl`, `group.pl`, `environment`; `settings` when the first group is sent. */
  scratch: string;
}

export interface ChannelListener {
  onMessage: (message: NodeMessage) => void;
  /** A line that is no message: something on the node wrote to the channel. */
  onNoise: (line: string) => void;
  /** The connection ended: asked for, or not. Called once. */
  onClose: (why: string, asked: boolean) => void;
}

/** How much of ssh's own complaints is kept for the sentence that says why a channel was lost. */
const STDERR_TAIL = 2000;

/** The one ssh connection to a node, with its agent and GNU parallel at the other end. */
export class PoolChannel {
  readonly #child: ChildProcess;
  #listener: ChannelListener | undefined;
  /** Lines that came before anybody listened. */
  #early: string[] = [];
  #asked = false;
  #closed: string | undefined;
  #stderr = '';

  constructor({ node, sshConfig, scratch }: ChannelOptions) {
    // The remote login shell reads this line: only characters that no shell touches may stand in it.
    const remote = `exec perl ${shellWord(`${scratch}/agent.pl`)} ${shellWord(scratch)} ${node.slots} ${mostGroups(node.slots)} ${shellWord(node.address)}`;
    // A connection of its own: a control master would carry every node's rows through one process.
    this.#child = spawn(
      'ssh',
      ['-F', sshConfig, '-o', 'ControlPath=none', '-T', node.address, '--', remote],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const { stdin, stdout, stderr } = this.#child;
    if (stdout !== null) {
      createInterface({ input: stdout, crlfDelay: 0 }).on('line', (line) => {
        if (this.#listener === undefined) this.#early.push(line);
        else hear(line, this.#listener);
      });
    }
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL);
    });
    // A write to a connection that just broke: the close that follows says why.
    stdin?.on('error', () => undefined);
    this.#child.on('error', (error) => this.#close(`ssh could not be started: ${error.message}`));
    // 'close' and not 'exit': what the node had written before has been read by then.
    this.#child.on('close', (code, signal) => this.#close(this.#reason(code, signal)));
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /** Sets who hears the node; what it said before is told at once. */
  listen(listener: ChannelListener): void {
    this.#listener = listener;
    for (const line of this.#early.splice(0)) hear(line, listener);
    if (this.#closed !== undefined) listener.onClose(this.#closed, this.#asked);
  }

  send(group: Group): void {
    this.#child.stdin?.write(`${renderGroup(group)}\n`);
  }

  /** No more groups; the connection ends when those under way have. */
  end(): void {
    this.#asked = true;
    this.#child.stdin?.end('end\n');
  }

  /** Ends every task on the node: TERM, and KILL after the grace time. */
  stop(graceMs: number): void {
    this.#asked = true;
    this.#child.stdin?.end(`stop ${Math.round(graceMs)}\n`);
  }

  /** Breaks the connection as if it had been lost: the agent then ends whatever runs on the node. */
  breakOff(): void {
    this.#child.kill('SIGKILL');
  }

  /** Drops the connection; the agent, if it is still there, ends the node's tasks when it notices. */
  abandon(): void {
    this.#asked = true;
    this.#child.kill('SIGKILL');
  }

  #close(why: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = why;
    this.#listener?.onClose(why, this.#asked);
  }

  #reason(code: number | null, signal: string | null): string {
    const said = this.#stderr.trim().split('\n').at(-1) ?? '';
    const how = signal === null ? `ssh ended with ${code}` : `ssh was ended by ${signal}`;
    return said === '' ? how : `${how}: ${said}`;
  }
}

function hear(line: string, { onMessage, onNoise }: ChannelListener): void {
  const message = parseNodeMessage(line);
  if (message === undefined) onNoise(line);
  else onMessage(message);
}
