import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { share } from '../../experiment/records/load.ts';

/**
 * What node 0 and a worker say to each other on the join port, one JSON object a line. Pure: no socket here.
 *
 *     worker                                  node 0
 *     hello   (who I am, my nonce)      →
 *                                       ←     challenge (the attempt's folder, its nonce)   or   refused
 *     join    (facts, proof)            →                          or   unreadable (the folder is not there)
 *                                       ←     welcome (facts, proof)                        or   refused
 *     ready or fault, then pulse …      →
 *                                       ←     beat …, restart, release
 *
 * A proof is an HMAC under a secret that lies in the attempt's folder on shared storage (mode 0600), over both nonces,
 * who both sides are, and the facts: only who can read that folder is let in, and only by the same node 0 that wrote it.
 */

/** The longest line accepted of who has not proved anything yet. */
export const MAX_LINE_BEFORE_PROOF = 4 * 1024;
/** The longest line accepted afterwards: a join with its faults, a node's log. */
export const MAX_LINE = 64 * 1024;

const nonce = z.string().regex(/^[0-9a-f]{32}$/);
const mac = z.string().regex(/^[0-9a-f]{64}$/);
const index = z.int().min(0).max(999);
const text = z.string().max(4096);
const fault = z.strictObject({ node: index, check: z.string().max(64), what: text, todo: text });

const hello = z.strictObject({
  t: z.literal('hello'),
  version: z.literal(1),
  run: z.string().max(80),
  job: z.string().max(64),
  attempt: z.int().min(1),
  index,
  nonce,
});
const unreadable = z.strictObject({ t: z.literal('unreadable'), what: text });
const join = z.strictObject({ t: z.literal('join'), facts: z.string().max(48 * 1024), mac });
const ready = z.strictObject({ t: z.literal('ready') });
const faults = z.strictObject({ t: z.literal('fault'), faults: z.array(fault).max(32) });
const pulse = z.strictObject({
  t: z.literal('pulse'),
  at: z.number(),
  peakMemoryMiB: z.number().min(0).exactOptional(),
  cpuSeconds: z.number().min(0).exactOptional(),
  load: z
    .strictObject({ cpu: share.exactOptional(), memory: share.exactOptional(), disk: share.exactOptional() })
    .exactOptional(),
});
const restarted = z.strictObject({
  t: z.literal('restarted'),
  id: z.int(),
  ok: z.boolean(),
  why: text.optional(),
});
const logLine = z.strictObject({ t: z.literal('log'), line: z.string().max(16 * 1024) });
const bye = z.strictObject({ t: z.literal('bye'), why: text });

const challenge = z.strictObject({
  t: z.literal('challenge'),
  /** Relative to the shared folder. */
  folder: z.string().regex(/^runs\/[a-z][a-z0-9-]{0,79}\/join\/[A-Za-z0-9-]{1,160}$/),
  nonce,
});
const refused = z.strictObject({ t: z.literal('refused'), why: text, again: z.boolean() });
const welcome = z.strictObject({ t: z.literal('welcome'), facts: z.string().max(16 * 1024), mac });
const beat = z.strictObject({ t: z.literal('beat'), lease: nonce, echo: z.number() });
const restart = z.strictObject({ t: z.literal('restart'), id: z.int() });
const release = z.strictObject({ t: z.literal('release') });

const fromWorker = z.discriminatedUnion('t', [
  hello,
  unreadable,
  join,
  ready,
  faults,
  pulse,
  restarted,
  logLine,
  bye,
]);
const fromMain = z.discriminatedUnion('t', [challenge, refused, welcome, beat, restart, release]);

export type WorkerMessage = z.infer<typeof fromWorker>;
export type MainMessage = z.infer<typeof fromMain>;
export type Hello = z.infer<typeof hello>;

const joinFacts = z
  .strictObject({
    /** One worker process: a second one that claims the same index is refused. */
    instance: nonce,
    /** The lease it holds when it connects again after its connection broke. */
    lease: nonce.optional(),
    /** Empty where it found none, as is the host key that could not be made: a node may join to tell its faults. */
    address: z.union([z.ipv4(), z.ipv6(), z.literal('')]),
    sshPort: z.int().min(1).max(65_535),
    /** The public part of the host key that the node made for itself: `ssh-ed25519 AAAA…`. */
    hostKey: z.union([z.string().regex(/^ssh-ed25519 [A-Za-z0-9+/=]{40,200}$/), z.literal('')]),
    cpus: z.int().min(1),
    /** When the node's runner started, and its clock now: milliseconds since the epoch. */
    startedAt: z.number(),
    now: z.number(),
    versions: z.record(z.string().max(32), z.string().max(200)),
    faults: z.array(fault).max(32),
  })
  .refine(({ address, hostKey, faults: told }) => told.length > 0 || (address !== '' && hostKey !== ''));
/** What a worker tells of itself, under its proof. */
export type JoinFacts = z.infer<typeof joinFacts>;

const welcomeFacts = z.strictObject({
  lease: nonce,
  /** The only address from which this attempt's ssh client key is to be accepted. */
  mainAddress: z.union([z.ipv4(), z.ipv6()]),
  clientKey: z.string().regex(/^ssh-ed25519 [A-Za-z0-9+/=]{40,200}$/),
});
/** What node 0 answers, under its own proof. */
export type WelcomeFacts = z.infer<typeof welcomeFacts>;

/** Who is proving: the two directions never give the same HMAC. */
export interface Proof {
  by: 'worker' | 'main';
  run: string;
  job: string;
  attempt: number;
  index: number;
  workerNonce: string;
  mainNonce: string;
  facts: string;
}

/** The HMAC of a proof, in hex. */
export function prove(secret: Uint8Array, proof: Proof): string {
  const said = [
    'sierra-batch-join-1',
    proof.by,
    proof.run,
    proof.job,
    proof.attempt,
    proof.index,
    proof.workerNonce,
    proof.mainNonce,
    proof.facts,
  ];
  return createHmac('sha256', secret).update(JSON.stringify(said)).digest('hex');
}

/** True when `given` is the HMAC of `proof`; takes the same time whatever differs. */
export function proves(secret: Uint8Array, proof: Proof, given: string): boolean {
  const expected = Buffer.from(prove(secret, proof), 'hex');
  const actual = Buffer.from(given, 'hex');
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}

/** One line, newline included. */
export function renderMessage(message: WorkerMessage | MainMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/** A worker's line, or undefined for anything that this protocol does not know. */
export function parseWorkerMessage(line: string): WorkerMessage | undefined {
  return parseWith(fromWorker, line);
}

/** Node 0's line, or undefined for anything that this protocol does not know. */
export function parseMainMessage(line: string): MainMessage | undefined {
  return parseWith(fromMain, line);
}

export function parseJoinFacts(json: string): JoinFacts | undefined {
  return parseWith(joinFacts, json);
}

export function parseWelcomeFacts(json: string): WelcomeFacts | undefined {
  return parseWith(welcomeFacts, json);
}

function parseWith<T>(schema: z.ZodType<T>, json: string): T | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined; // not JSON is one way of not being a message
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/**
 * Cuts a stream of bytes into lines. Who sends a longer line than allowed is not heard any further: `overflow` stays
 * true, and what it sent is forgotten.
 */
export class LineCutter {
  overflow = false;
  limit: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(limit: number) {
    this.limit = limit;
  }

  push(chunk: Uint8Array): string[] {
    if (this.overflow) return [];
    let bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const lines: string[] = [];
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10)) {
      if (end > this.limit) break;
      lines.push(bytes.toString('utf8', 0, end));
      bytes = bytes.subarray(end + 1);
    }
    if (bytes.length > this.limit) {
      this.overflow = true;
      bytes = Buffer.alloc(0);
    }
    this.#rest = bytes;
    return lines;
  }
}
