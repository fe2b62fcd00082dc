import * as z from 'zod';
import type { Clock } from '../../experiment/util/clock.ts';

/** What an account answered a question. `as assumed`: what the system rests on holds. */
const VERDICTS = ['as assumed', 'otherwise', 'unknown', 'not asked'] as const;
export type Verdict = (typeof VERDICTS)[number];

const call = z.object({
  service: z.string(),
  operation: z.string(),
  /** Milliseconds since the epoch, and of waiting. */
  at: z.number(),
  ms: z.number(),
  request: z.json(),
  answer: z.json().optional(),
  error: z.object({ name: z.string(), message: z.string() }).optional(),
  /** How often in a row the same was asked and answered. */
  times: z.number(),
});
export type Call = z.infer<typeof call>;

const trial = z.object({
  name: z.string(),
  startedAt: z.number(),
  endedAt: z.number(),
  answers: z.array(z.object({ question: z.string(), verdict: z.enum(VERDICTS), because: z.string() })),
  calls: z.array(call),
});
export type Trial = z.infer<typeof trial>;

export const evidenceSchema = z.object({
  version: z.literal(1),
  /** Only what AWS itself said is evidence. */
  against: z.enum(['aws', 'local']),
  date: z.iso.date(),
  region: z.string(),
  instanceType: z.string(),
  minutes: z.number(),
  trials: z.array(trial),
  /** What could not be removed. */
  leftBehind: z.array(z.string()),
});
export type Evidence = z.infer<typeof evidenceSchema>;

/** A client of the SDK, as far as its calls are recorded. */
interface Sender {
  send: unknown;
  config: { serviceId: string };
}

/** Every call of some clients: how it was asked and answered. */
export class Recorder {
  readonly #clock: Clock;
  calls: Call[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Records what the client sends from now on. */
  watch<Client extends Sender>(client: Client): Client {
    const real = client.send;
    if (typeof real !== 'function') throw new TypeError('this is no client of the SDK');
    const send = async (command: { input: object }, ...rest: unknown[]): Promise<unknown> => {
      const at = this.#clock.now();
      const asked = {
        service: client.config.serviceId,
        operation: command.constructor.name.replace(/Command$/, ''),
        at,
        request: plain(command.input),
      };
      try {
        const answer: unknown = await Reflect.apply(real, client, [command, ...rest]);
        this.#keep({ ...asked, ms: this.#clock.now() - at, answer: plain(answer), times: 1 });
        return answer;
      } catch (error) {
        const { name, message } = error instanceof Error ? error : new Error(String(error));
        this.#keep({ ...asked, ms: this.#clock.now() - at, error: { name, message }, times: 1 });
        throw error;
      }
    };
    Reflect.set(client, 'send', send);
    return client;
  }

  #keep(next: Call): void {
    const last = this.calls.findLast(
      ({ operation, service }) => operation === next.operation && service === next.service,
    );
    const isSame = (['request', 'answer', 'error'] as const).every(
      (part) => JSON.stringify(last?.[part]) === JSON.stringify(next[part]),
    );
    if (last !== undefined && isSame) last.times += 1;
    else this.calls.push(next);
  }
}

/** As JSON, without streams, secrets and what the SDK adds. */
function plain(value: unknown): Call['request'] {
  const text = JSON.stringify(value ?? null, (key, each: unknown) => {
    const isStream = key === 'Body' && typeof each === 'object';
    if (UNTOLD.test(key) || isStream) return undefined;
    return SECRET.test(key) ? 'removed' : each;
  });
  return z.json().parse(JSON.parse(text));
}

/** What may name people and things of theirs, and answers no question. */
const UNTOLD =
  /^(\$metadata|TemplateBody|Outputs|ParameterValue|Tags|KeyName|NetworkInterfaces|SecurityGroups|BlockDeviceMappings|OwnerId|RequesterId)$/;
const SECRET = /^(AccessKeyId|SecretAccessKey|SessionToken|ReceiptHandle|taskToken)$/;

/**
 * Evidence that anybody may see: account numbers, addresses, ids of machines and networks, and the given names become others,
 * the same one everywhere. Pure. @param names of the stack, its bucket, its caller: the longest are replaced first
 */
export function withoutNames(evidence: Evidence, names: Readonly<Record<string, string>>): Evidence {
  let text = JSON.stringify(evidence);
  const given = Object.entries(names).filter(([name]) => name.length > 2);
  for (const [name, instead] of given.toSorted(([one], [other]) => other.length - one.length))
    text = text.replaceAll(name, instead);
  for (const [pattern, instead] of HIDDEN) {
    const seen = new Map<string, string>();
    text = text.replace(pattern, (found) => {
      const known = seen.get(found) ?? instead(seen.size + 1, found);
      seen.set(found, known);
      return known;
    });
  }
  return evidenceSchema.parse(JSON.parse(text));
}

const HIDDEN: readonly [RegExp, (number: number, found: string) => string][] = [
  [/[\w.+-]+@[\w-]+\.[\w.]+/g, (number) => `person-${number}@example.org`],
  [/\b(?:ec2|ip)(?:-\d{1,3}){4}[\w.-]*/g, (number) => `host-${number}`],
  [/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, (number) => `10.0.${number >> 8}.${number & 255}`],
  [
    /\b[a-z]{1,6}-[0-9a-f]{17}\b/g,
    (number, found) => `${found.slice(0, found.lastIndexOf('-'))}-${String(number).padStart(17, '0')}`,
  ],
  // Of an account: between colons of an ARN, before a registry's name, or by itself.
  [/(?<![\w-])\d{12}(?![\w-])/g, (number) => String(number).padStart(12, '0')],
];
