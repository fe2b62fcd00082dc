import { connect } from 'node:net';
import { join } from 'node:path';
import type { Clock, MakeNonce } from '../../experiment/util/clock.ts';
import { after } from '../../experiment/util/timers.ts';
import type { RunnerConfig } from '../process/environment.ts';
import type { Log } from '../process/log.ts';
import { readSecret } from './attempt-keys.ts';
import { JoinConnection } from './connection.ts';
import type { JoinFacts, MainMessage, WelcomeFacts } from './messages.ts';
import { MAX_LINE, parseMainMessage, parseWelcomeFacts, prove, proves } from './messages.ts';

export interface JoinClientOptions {
  config: RunnerConfig;
  mainAddress: string;
  /** Connections come from it: it is the address that node 0 will reach this node at. */
  ownAddress: string;
  /** What to tell at this moment. */
  facts(): JoinFacts;
  clock: Clock;
  makeNonce: MakeNonce;
  log: Log;
}

/** Let in: a connection to node 0. */
export interface JoinSession {
  welcome: WelcomeFacts;
  connection: JoinConnection;
  /** This node's clock when it sent its join: the lease runs from here. */
  joinSentAt: number;
  /** Sets who hears node 0 from now on; what came before is handed over first. */
  listen(listener: (message: MainMessage) => void): void;
}

export type JoinOutcome =
  | { kind: 'in'; session: JoinSession }
  /** Node 0 said no, and asking again is pointless. */
  | { kind: 'refused'; why: string }
  | { kind: 'too-late'; why: string };

const CONNECT_MS = 5000;
const HANDSHAKE_MS = 20_000;
const LONGEST_PAUSE_MS = 3000;

/** Knocks until node 0 lets this worker in, refuses it for good, or `deadline` has passed. Never rejects. */
export async function joinMain(
  options: JoinClientOptions,
  deadline: number,
  signal: AbortSignal,
): Promise<JoinOutcome> {
  const { clock, log, config } = options;
  let pause = 100;
  let why = 'never tried';
  while (clock.now() < deadline && !signal.aborted) {
    const knock = await knockOnce(options);
    if (knock.kind === 'in') return knock;
    if (knock.kind === 'refused' && !knock.again) return { kind: 'refused', why: knock.why };
    if (knock.why !== why) log('Join:Waiting', { why: knock.why });
    why = knock.why;
    // Nodes that were started together do not knock together.
    await clock.sleep(pause + ((config.index * 37) % 100), signal).catch(() => undefined);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
  return { kind: 'too-late', why };
}

type Knock =
  | { kind: 'in'; session: JoinSession }
  | { kind: 'refused'; why: string; again: boolean }
  | { kind: 'failed'; why: string };

function knockOnce(options: JoinClientOptions): Promise<Knock> {
  return new Promise((resolve) => {
    const { config, mainAddress, ownAddress, clock } = options;
    const socket = connect({ host: mainAddress, port: config.joinPort, localAddress: ownAddress });
    const handshake = new Handshake(options, resolve);
    const connection = new JoinConnection(socket, MAX_LINE, (line) => handshake.hear(line));
    const cancelConnecting = after(clock, CONNECT_MS, () => connection.close('no answer'));
    const cancelHandshake = after(clock, HANDSHAKE_MS, () => {
      if (!handshake.isIn) connection.close('node 0 does not finish the handshake');
    });
    socket.once('connect', () => {
      cancelConnecting();
      handshake.begin(connection);
    });
    void connection.closed.then((why) => {
      cancelConnecting();
      cancelHandshake();
      resolve({ kind: 'failed', why: `${mainAddress}:${config.joinPort}: ${why}` });
    });
  });
}

/** The worker's side of one handshake. */
class Handshake {
  isIn = false;
  readonly #options: JoinClientOptions;
  readonly #resolve: (knock: Knock) => void;
  readonly #nonce: string;
  #connection: JoinConnection | undefined;
  #secret: Buffer | undefined;
  #mainNonce = '';
  #joinSentAt = 0;
  #early: MainMessage[] = [];
  #listener: ((message: MainMessage) => void) | undefined;

  constructor(options: JoinClientOptions, resolve: (knock: Knock) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#nonce = options.makeNonce();
  }

  begin(connection: JoinConnection): void {
    const { config } = this.#options;
    this.#connection = connection;
    connection.send({
      t: 'hello',
      version: 1,
      run: config.runId,
      job: config.jobId,
      attempt: config.attempt,
      index: config.index,
      nonce: this.#nonce,
    });
  }

  hear(line: string): void {
    const message = parseMainMessage(line);
    if (message === undefined) {
      this.#connection?.close('a line that this protocol does not know');
    } else if (this.isIn) {
      if (this.#listener === undefined) this.#early.push(message);
      else this.#listener(message);
    } else if (message.t === 'refused') {
      this.#resolve({ kind: 'refused', why: message.why, again: message.again });
      this.#connection?.close(message.why);
    } else if (message.t === 'challenge' && this.#mainNonce === '') {
      this.#mainNonce = message.nonce;
      void this.#answer(message.folder);
    } else if (message.t === 'welcome' && this.#secret !== undefined) {
      this.#enter(message.facts, message.mac, this.#secret);
    } else {
      this.#connection?.close(`a ${message.t} out of turn`);
    }
  }

  /** Reads the attempt's secret, which nobody looked for before it was there, and proves to hold it. */
  async #answer(folder: string): Promise<void> {
    const { config, facts, clock } = this.#options;
    try {
      this.#secret = await readSecret(join(config.shared, folder));
    } catch (error) {
      // Its own checks may know better why (and cannot be told any other way).
      const known = facts().faults.map(({ what }) => what);
      const what = [...known, String(error)].join('; ');
      this.#connection?.send({ t: 'unreadable', what: what.slice(0, 2000) });
      return;
    }
    const said = JSON.stringify(facts());
    this.#joinSentAt = clock.now();
    const mac = prove(this.#secret, { ...this.#proof(said), by: 'worker' });
    this.#connection?.send({ t: 'join', facts: said, mac });
  }

  #enter(said: string, mac: string, secret: Buffer): void {
    const welcome = parseWelcomeFacts(said);
    const connection = this.#connection;
    if (connection === undefined) return;
    if (welcome === undefined || !proves(secret, { ...this.#proof(said), by: 'main' }, mac)) {
      connection.close('who answers there does not hold this run’s key');
      return;
    }
    this.isIn = true;
    this.#resolve({
      kind: 'in',
      session: {
        welcome,
        connection,
        joinSentAt: this.#joinSentAt,
        listen: (listener) => {
          this.#listener = listener;
          for (const message of this.#early.splice(0)) listener(message);
        },
      },
    });
  }

  #proof(facts: string) {
    const { config } = this.#options;
    return {
      run: config.runId,
      job: config.jobId,
      attempt: config.attempt,
      index: config.index,
      workerNonce: this.#nonce,
      mainNonce: this.#mainNonce,
      facts,
    };
  }
}
