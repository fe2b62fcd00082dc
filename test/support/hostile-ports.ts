import { Readable } from 'node:stream';
import { sdkStreamMixin } from '@smithy/core/serde';
import type { BatchPort, S3Port } from '../../aws/ports.ts';

/** A call of a port: which, and with what. */
export type CallOf<Port> = {
  [Name in keyof Port]: Port[Name] extends (input: infer Input) => unknown
    ? { name: Name; input: Input }
    : never;
}[keyof Port];

/** Puts a recorder in front of a port. @param service as AWS's models call it */
export type RecordPort = <Port extends object>(service: string, port: Port) => Port;

/**
 * A port whose calls go through `hook` first: it may throw instead, do the call and then throw, or answer otherwise. `go`
 * does the real call. For one call alone `{ ...port, putObject: … }` is enough.
 */
export function hooked<Port extends object>(
  port: Port,
  hook: (call: CallOf<Port>, go: () => Promise<unknown>) => unknown,
): Port {
  return new Proxy(port, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (input: unknown) =>
        hook({ name, input } as CallOf<Port>, async () => Reflect.apply(method, target, [input]));
    },
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
  return {
    ...port,
    listObjectsV2: (input) =>
      port.listObjectsV2({ ...input, MaxKeys: Math.min(input.MaxKeys ?? PAGE, PAGE) }),
    listObjectVersions: (input) =>
      port.listObjectVersions({ ...input, MaxKeys: Math.min(input.MaxKeys ?? PAGE, PAGE) }),
    getObject: async (input) => {
      const answer = await port.getObject(input);
      const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      return { ...answer, Body: sdkStreamMixin(Readable.from(cut(bytes), { objectMode: false })) };
    },
  };
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
  return {
    ...port,
    listJobs: async ({ nextToken, ...input }) => {
      const answer = await port.listJobs(input);
      const { jobSummaryList: all = [] } = answer;
      if (nextToken === undefined && all.length > 0) return { ...answer, jobSummaryList: [], nextToken: '0' };
      const from = Number(nextToken ?? 0);
      const more = from + PAGE < all.length ? { nextToken: String(from + PAGE) } : {};
      return { ...answer, jobSummaryList: all.slice(from, from + PAGE), ...more };
    },
  };
}

/** What becomes of a write: it is done; done and its answer lost; done once the writer has given up; or not done. */
export type Fate = 'done' | 'answer-lost' | 'late' | 'refused';

/** A bucket whose writes meet these fates in turn, and are done when there are no more. @param late what is to arrive later */
export function fatefulS3(port: S3Port, fates: Fate[], late: (() => Promise<unknown>)[]): S3Port {
  return {
    ...port,
    putObject: async (input) => {
      switch (fates.shift()) {
        case 'refused':
          throw awsError('SlowDown', 503);
        case 'late':
          late.push(() => port.putObject(input));
          return new Promise(() => undefined);
        case 'answer-lost':
          await port.putObject(input);
          throw new Error('ECONNRESET');
        default:
          return port.putObject(input);
      }
    },
  };
}
