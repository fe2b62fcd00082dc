import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { largeObjects } from '../../aws/clients/large-objects.ts';
import { s3Port } from '../../aws/clients/s3.ts';
import type { LargeObjects, S3Port } from '../../aws/ports.ts';
import type { Clock, MakeNonce } from '../../experiment/util/clock.ts';

/** What the runner gets from outside. This file alone reads the environment and makes clients. */
export interface RunnerContext {
  env: Readonly<Record<string, string | undefined>>;
  s3: S3Port & LargeObjects;
  clock: Clock;
  makeNonce: MakeNonce;
  /** The account everything runs as; `name` undefined where the uid has no entry (sshd would refuse to start a session). */
  user: { uid: number; name?: string; shell?: string };
}

export function live(): RunnerContext {
  const { env } = process;
  const region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  return {
    env,
    s3: runnerS3(
      new S3Client({
        maxAttempts: 4,
        ...(region === undefined ? {} : { region }),
        // The local system's endpoint has no wildcard DNS, so buckets go in the path there.
        forcePathStyle: env.AWS_ENDPOINT_URL_S3 !== undefined,
        // Of silence, not of the whole request: a large file takes long. `requestTimeout` would only warn.
        requestHandler: { connectionTimeout: 5000, socketTimeout: 30_000 },
      }),
    ),
    clock: monotonicClock(),
    makeNonce: () => randomBytes(16).toString('hex'),
    user: account(),
  };
}

/** Results may be larger than anything that the functions write. */
const runnerS3 = (client: S3Client): RunnerContext['s3'] => ({ ...s3Port(client), ...largeObjects(client) });

/** Never goes back or jumps when the machine's clock is set: leases rest on it. */
function monotonicClock(): Clock {
  return {
    now: () => performance.timeOrigin + performance.now(),
    sleep: async (ms, signal) => {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    },
  };
}

function account(): RunnerContext['user'] {
  const uid = process.getuid?.() ?? 0;
  try {
    const { username, shell } = userInfo();
    return { uid, name: username, ...(shell === null ? {} : { shell }) };
  } catch {
    return { uid }; // no entry in the password database: the checks say so
  }
}
