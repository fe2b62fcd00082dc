import { Readable } from 'node:stream';
import { ListJobsCommand } from '@aws-sdk/client-batch';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { sdkStreamMixin } from '@smithy/core/serde';
import type { BatchPort, S3Port } from '../../aws/ports.ts';

type Sends = { send(command: never): Promise<unknown> };
type Sent = { constructor: { name: string }; input: object };

/**
 * A port whose calls go through `hook` first: it may throw instead, do the call and then throw, or answer otherwise.
 * `call` does the real call, or another one of the same kind.
 */
export function hooked<Port extends Sends>(
  port: Port,
  hook: (command: Sent, call: (instead?: Sent) => Promise<unknown>) => unknown,
): Port {
  const send = async (command: Sent) =>
    hook(command, async (instead = command) => Reflect.apply(port.send, port, [instead]));
  return new Proxy(port, {
    get: (target, property) => (property === 'send' ? send : Reflect.get(target, property, target)),
  });
}

/** What the SDK throws of a call that AWS answered with an error. */
export function awsError(name: string, httpStatusCode: number, message = 'on purpose'): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
}

/** AWS may answer with fewer than asked for, even with none, and go on in a next page. */
const PAGE = 3;
/** Bodies up to this size come byte by byte; of longer ones the beginning, which is as much as a test can wait for. */
const BY_BYTE = 2048;
const BLOCK = 4093;

/** A bucket that lists in pages of three and sends bodies cut at every byte, as S3 may. */
export function hostileS3(port: S3Port): S3Port {
  return hooked(port, async (command, call) => {
    if (command instanceof ListObjectsV2Command) {
      const { input } = command;
      return call(new ListObjectsV2Command({ ...input, MaxKeys: Math.min(input.MaxKeys ?? PAGE, PAGE) }));
    }
    const answer = await call();
    if (!(command instanceof GetObjectCommand)) return answer;
    const { Body } = Object(answer);
    const bytes: Uint8Array = await Body.transformToByteArray();
    return { ...Object(answer), Body: sdkStreamMixin(Readable.from(cut(bytes), { objectMode: false })) };
  });
}

function* cut(bytes: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const length = at < BY_BYTE ? 1 : BLOCK;
    yield Buffer.from(bytes.subarray(at, at + length));
    at += length;
  }
}

/** Batch that lists jobs in pages of three, and an empty page first, as AWS does behind a filter. */
export function hostileBatch(port: BatchPort): BatchPort {
  return hooked(port, async (command, call) => {
    if (!(command instanceof ListJobsCommand)) return call();
    const { nextToken, ...input } = command.input;
    const answer: { jobSummaryList?: object[] } = Object(await call(new ListJobsCommand(input)));
    const { jobSummaryList: all = [] } = answer;
    if (nextToken === undefined && all.length > 0) return { ...answer, jobSummaryList: [], nextToken: '0' };
    const from = Number(nextToken ?? 0);
    const more = from + PAGE < all.length ? { nextToken: String(from + PAGE) } : {};
    return { ...answer, jobSummaryList: all.slice(from, from + PAGE), ...more };
  });
}

/** What becomes of a write: it is done; done and its answer lost; done once the writer has given up; or not done. */
export type Fate = 'done' | 'answer-lost' | 'late' | 'refused';

/** A bucket whose writes meet these fates in turn, and are done when there are no more. @param late what is to arrive later */
export function fatefulS3(port: S3Port, fates: Fate[], late: (() => Promise<unknown>)[]): S3Port {
  return hooked(port, async (command, call) => {
    if (!(command instanceof PutObjectCommand)) return call();
    switch (fates.shift()) {
      case 'refused':
        throw awsError('SlowDown', 503);
      case 'late':
        late.push(call);
        return new Promise(() => undefined);
      case 'answer-lost':
        await call();
        throw new Error('ECONNRESET');
      default:
        return call();
    }
  });
}
