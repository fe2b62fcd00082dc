import type { Socket } from 'node:net';
import type { Clock, MakeNonce } from '../../experiment/util/clock.ts';
import { after } from '../../experiment/util/timers.ts';
import { JoinConnection } from './connection.ts';
import type { Hello, JoinFacts, MainMessage, WelcomeFacts, WorkerMessage } from './messages.ts';
import {
  MAX_LINE,
  MAX_LINE_BEFORE_PROOF,
  parseJoinFacts,
  parseWorkerMessage,
  prove,
  proves,
} from './messages.ts';

/** The attempt that node 0 runs: everything else is refused. */
export interface AttemptIdentity {
  run: string;
  job: string;
  attempt: number;
}

/** A worker that has proved itself. */
export interface Entry {
  index: number;
  facts: JoinFacts;
  welcome: WelcomeFacts;
  connection: JoinConnection;
}

export interface HandshakeOptions {
  identity: AttemptIdentity;
  /** Told to whoever says hello properly; only who can read it gets further. */
  folder: string;
  secret: Uint8Array;
  clock: Clock;
  makeNonce: MakeNonce;
  /** Decides about a worker that has proved itself. */
  admit(index: number, facts: JoinFacts): { ok: true; welcome: WelcomeFacts } | { ok: false; why: string };
  /** It is in; every later line goes to the returned function. */
  admitted(entry: Entry): (line: string) => void;
  /** It said that it cannot read the folder (no proof: a hint). */
  unreadable(index: number, what: string): void;
  refused(remote: string, why: string): void;
}

/** Why somebody is refused, and whether knocking again may help. */
interface Wrong {
  why: string;
  again?: boolean;
}

const HANDSHAKE_MS = 10_000;

/** Node 0's side of the handshake over one new connection. Wrong key, garbage, silence and floods end it. */
export function receiveHandshake(socket: Socket, options: HandshakeOptions): void {
  const remote = socket.remoteAddress ?? 'unknown';
  let said: Hello | undefined;
  let onLine = (line: string): void => shake(line);
  const mainNonce = options.makeNonce();
  const connection = new JoinConnection(socket, MAX_LINE_BEFORE_PROOF, (line) => onLine(line));
  const cancel = after(options.clock, HANDSHAKE_MS, () =>
    refuse('silence: no proof within ten seconds', true),
  );
  let settled = false;
  void connection.closed.then((why) => {
    cancel();
    if (!settled) options.refused(remote, why);
  });

  function shake(line: string): void {
    const message = parseWorkerMessage(line);
    const wrong = said === undefined ? hearHello(message) : hearJoin(message, said);
    if (wrong !== undefined) refuse(wrong.why, wrong.again ?? false);
  }

  function hearHello(message: WorkerMessage | undefined): Wrong | undefined {
    if (message?.t !== 'hello') return { why: 'not a hello of this protocol' };
    // Which one is here is not for strangers.
    if (!isMeant(message, options.identity)) return { why: 'another run, job or attempt is here' };
    said = message;
    connection.cutter.limit = MAX_LINE;
    connection.send({ t: 'challenge', folder: options.folder, nonce: mainNonce });
    return undefined;
  }

  function hearJoin(message: WorkerMessage | undefined, { index, nonce }: Hello): Wrong | undefined {
    if (message?.t === 'unreadable') {
      options.unreadable(index, message.what);
      return { why: 'it cannot read the folder of this attempt', again: true };
    }
    if (message?.t !== 'join') return { why: 'not a join of this protocol' };
    const proof = { ...options.identity, index, workerNonce: nonce, mainNonce };
    if (!proves(options.secret, { ...proof, by: 'worker', facts: message.facts }, message.mac))
      return { why: 'wrong key' };
    const facts = parseJoinFacts(message.facts);
    if (facts === undefined) return { why: 'facts of another version of this protocol' };
    const verdict = options.admit(index, facts);
    if (!verdict.ok) return { why: verdict.why };
    settled = true;
    cancel();
    onLine = options.admitted({ index, facts, welcome: verdict.welcome, connection });
    const answer = JSON.stringify(verdict.welcome);
    const mac = prove(options.secret, { ...proof, by: 'main', facts: answer });
    connection.send({ t: 'welcome', facts: answer, mac });
    return undefined;
  }

  function refuse(why: string, again: boolean): void {
    if (settled) return;
    settled = true;
    cancel();
    options.refused(remote, why);
    const message: MainMessage = { t: 'refused', why, again };
    connection.finish(message, why);
  }
}

function isMeant(hello: Hello, { run, job, attempt }: AttemptIdentity): boolean {
  return hello.run === run && hello.job === job && hello.attempt === attempt;
}
