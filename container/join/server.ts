import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { CheckFault } from '../../experiment/records/progress.ts';
import type { Clock, MakeNonce } from '../../experiment/util/clock.ts';
import { every, within } from '../../experiment/util/timers.ts';
import type { Log } from '../process/log.ts';
import type { NodeUsage } from '../process/usage.ts';
import type { JoinConnection } from './connection.ts';
import { UnauthenticatedConnections } from './connection-limit.ts';
import type { AttemptIdentity, Entry } from './handshake.ts';
import { receiveHandshake } from './handshake.ts';
import { GrantedLeases, LEASE } from './lease.ts';
import type { JoinFacts, WorkerMessage } from './messages.ts';
import { parseWorkerMessage } from './messages.ts';

/** What node 0 hears of its workers. */
export interface JoinListener {
  /** Proved, and its sshd is up. Once a worker. Its clock is about so much ahead of node 0's. */
  joined(index: number, facts: JoinFacts, clockAheadMs: number): void;
  /** Checks that failed on it. */
  faulty(index: number, faults: readonly CheckFault[]): void;
  /** Somebody who says to be this worker cannot read the attempt's folder. Unproved. */
  unreadable(index: number, what: string): void;
  /** Out for good; nothing of its tasks runs any more. Once a worker. */
  lost(index: number, why: string): void;
  said(index: number, line: string): void;
  used(index: number, usage: NodeUsage): void;
}

export interface JoinServerOptions {
  identity: AttemptIdentity;
  nodes: number;
  mainIndex: number;
  folder: string;
  secret: Uint8Array;
  address: string;
  port: number;
  clientKey: string;
  clock: Clock;
  makeNonce: MakeNonce;
  log: Log;
  listener: JoinListener;
}

export interface JoinServer {
  /** Asks a worker to end what is left of its tasks and to start its sshd anew; false when it does not or cannot. */
  restartSshd(index: number): Promise<boolean>;
  /** Gives a worker up: resolves once its lease must have run out, or it said that it is gone. */
  expel(index: number, why: string): Promise<void>;
  /** Tells all workers to end well, and waits up to `graceMs` until their connections are closed. */
  release(graceMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Where a worker stands that was let in. Each goes down this list, and never back. */
type MemberState =
  /** Its sshd is not up yet. */
  | { kind: 'joining' }
  | { kind: 'ready' }
  /** Told to end: its closing is no loss. */
  | { kind: 'released' }
  /** Told to go: its lease is no longer renewed. */
  | { kind: 'expelled' }
  | { kind: 'gone'; reason: string };

interface Member {
  index: number;
  facts: JoinFacts;
  /** The most that a message said: what was under way for long says too little. */
  clockAheadMs: number;
  lease: string;
  connection: JoinConnection;
  state: MemberState;
  gone: PromiseWithResolvers<void>;
  restarts: Map<number, (ok: boolean) => void>;
}

const RESTART_MS = 25_000;
const TOO_MANY = 'too many connections that prove nothing';
const MAX_SAID_REFUSALS = 200;

/** Opens the join port on node 0's own address. @throws the system's error when the port is taken */
export async function startJoinServer(options: JoinServerOptions): Promise<JoinServer> {
  const members = new Members(options);
  await members.listen();
  return members;
}

class Members implements JoinServer {
  readonly #options: JoinServerOptions;
  readonly #members = new Map<number, Member>();
  readonly #leases: GrantedLeases;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #unauthenticated: UnauthenticatedConnections;
  readonly #refusals = new Set<string>();
  #stopTicking: () => void = () => undefined;
  #restartId = 0;

  constructor(options: JoinServerOptions) {
    this.#options = options;
    this.#leases = new GrantedLeases(options.clock.now());
    this.#server = createServer((socket) => this.#accept(socket));
    this.#unauthenticated = new UnauthenticatedConnections(options.nodes * 2 + 64);
  }

  async listen(): Promise<void> {
    const { address, port, clock, log } = this.#options;
    this.#server.listen({ host: address, port, backlog: 1024 });
    await once(this.#server, 'listening');
    this.#stopTicking = every(clock, 1000, () => this.#tick());
    log('Join:Listening', { address, port });
  }

  async restartSshd(index: number): Promise<boolean> {
    const member = this.#members.get(index);
    if (member === undefined || member.state.kind === 'gone') return false;
    const id = ++this.#restartId;
    const answer = Promise.withResolvers<boolean>();
    member.restarts.set(id, answer.resolve);
    member.connection.send({ t: 'restart', id });
    void member.gone.promise.then(() => answer.resolve(false));
    const ok = await within(this.#options.clock, RESTART_MS, answer.promise, () => false);
    member.restarts.delete(id);
    return ok;
  }

  async expel(index: number, why: string): Promise<void> {
    const member = this.#members.get(index);
    // One that was released ends by itself: nothing would say that it is gone.
    if (member === undefined || member.state.kind === 'gone' || member.state.kind === 'released') return;
    member.state = { kind: 'expelled' };
    member.connection.send({ t: 'refused', why, again: false });
    // It answers with a bye once its tasks are dead; else it is lost once its lease must have run out.
    await member.gone.promise;
  }

  async release(graceMs: number): Promise<void> {
    const open = [...this.#members.values()].filter(({ state }) => state.kind !== 'gone');
    for (const member of open) {
      if (member.state.kind === 'expelled') continue;
      member.state = { kind: 'released' };
      member.connection.send({ t: 'release' });
    }
    const all = Promise.all(open.map((member) => member.connection.closed));
    await Promise.race([all, this.#options.clock.sleep(graceMs)]);
  }

  async close(): Promise<void> {
    this.#stopTicking();
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const isOut = this.#unauthenticated.came(socket);
    if (isOut !== undefined) this.#sayRefused(isOut, TOO_MANY);
    const { identity, folder, secret, clock, makeNonce, listener } = this.#options;
    receiveHandshake(socket, {
      identity,
      folder,
      secret,
      clock,
      makeNonce,
      admit: (index, facts) => this.#admit(index, facts),
      admitted: (entry) => {
        this.#unauthenticated.left(socket);
        return this.#admitted(entry);
      },
      unreadable: (index, what) => listener.unreadable(index, what),
      refused: (remote, why) => this.#sayRefused(remote, why),
    });
  }

  #admit(index: number, facts: JoinFacts) {
    const { nodes, mainIndex, address, clientKey, makeNonce } = this.#options;
    const no = (why: string) => ({ ok: false, why }) as const;
    if (index >= nodes || index === mainIndex) return no(`index ${index} is no worker's of ${nodes} nodes`);
    const known = this.#members.get(index);
    if (known?.state.kind === 'gone') return no(`node ${index} was given up: ${known.state.reason}`);
    if (known !== undefined && !isSameWorker(known, facts)) return no(`node ${index} is already here`);
    const lease = known?.lease ?? makeNonce();
    return { ok: true, welcome: { lease, mainAddress: address, clientKey } } as const;
  }

  #admitted({ index, facts, welcome, connection }: Entry): (line: string) => void {
    const { clock, log, listener } = this.#options;
    const before = this.#members.get(index);
    before?.connection.close('it connected again');
    const member: Member = before ?? {
      index,
      facts,
      clockAheadMs: facts.now - clock.now(),
      lease: welcome.lease,
      connection,
      state: { kind: 'joining' },
      gone: Promise.withResolvers<void>(),
      restarts: new Map(),
    };
    member.connection = connection;
    this.#members.set(index, member);
    this.#leases.renewed(index, clock.now());
    log(before === undefined ? 'Node:LetIn' : 'Node:Back', { index, address: facts.address });
    if (facts.faults.length > 0) listener.faulty(index, facts.faults);
    void connection.closed.then((why) => {
      if (member.connection === connection && member.state.kind !== 'released')
        log('Node:Disconnected', { index, why });
    });
    return (line) => this.#hear(member, line);
  }

  #hear(member: Member, line: string): void {
    const { clock, listener } = this.#options;
    const message = parseWorkerMessage(line);
    switch (message?.t) {
      case 'ready':
        if (member.state.kind === 'joining') {
          member.state = { kind: 'ready' };
          listener.joined(member.index, member.facts, member.clockAheadMs);
        }
        break;
      case 'fault':
        listener.faulty(member.index, message.faults);
        break;
      case 'pulse':
        if (member.state.kind === 'gone' || member.state.kind === 'expelled') break;
        // Its connection broke just then: it has not heard that there is nothing left to do.
        if (member.state.kind === 'released') member.connection.send({ t: 'release' });
        member.clockAheadMs = Math.max(member.clockAheadMs, message.at - clock.now());
        this.#leases.renewed(member.index, clock.now());
        member.connection.send({ t: 'beat', lease: member.lease, echo: message.at });
        this.#used(member.index, message);
        break;
      case 'restarted':
        member.restarts.get(message.id)?.(message.ok);
        break;
      case 'log':
        listener.said(member.index, message.line);
        break;
      case 'bye':
        if (member.state.kind !== 'released') this.#lose(member, message.why);
        break;
      default:
        member.connection.close('a line that this protocol does not know');
    }
  }

  #used(index: number, { t: _, at: __, ...usage }: Extract<WorkerMessage, { t: 'pulse' }>): void {
    this.#options.listener.used(index, usage);
  }

  #tick(): void {
    const { clock, log } = this.#options;
    const { lost, late } = this.#leases.judge(clock.now());
    if (late) log('Leases:AllRenewed', { why: 'node 0 itself was held up; it hears its workers first' });
    for (const index of lost) {
      const member = this.#members.get(index);
      if (member !== undefined && member.state.kind !== 'released')
        this.#lose(member, `silent for ${LEASE.lostMs / 1000} s: its lease has run out`);
    }
  }

  #lose(member: Member, reason: string): void {
    if (member.state.kind === 'gone') return;
    member.state = { kind: 'gone', reason };
    this.#leases.dropped(member.index);
    member.connection.close(reason);
    member.gone.resolve();
    this.#options.listener.lost(member.index, reason);
  }

  #sayRefused(remote: string, why: string): void {
    const said = `${remote} ${why}`;
    if (this.#refusals.has(said) || this.#refusals.size >= MAX_SAID_REFUSALS) return;
    this.#refusals.add(said);
    this.#options.log('Join:Refused', { remote, why });
  }
}

/** The process we know, which lost its connection: with its lease, or before it ever heard of one. */
function isSameWorker(known: Member, facts: JoinFacts): boolean {
  if (known.facts.instance !== facts.instance) return false;
  if (known.lease === facts.lease) return true;
  return facts.lease === undefined && (known.state.kind === 'joining' || known.state.kind === 'released');
}
