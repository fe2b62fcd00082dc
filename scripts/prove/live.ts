import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { BatchClient } from '@aws-sdk/client-batch';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECSClient } from '@aws-sdk/client-ecs';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { Bucket } from '../../aws/bucket.ts';
import { s3Port } from '../../aws/clients/s3.ts';
import { askCaller } from '../../cli/context/ask-account.ts';
import { describeStack, readOutputs } from '../../cli/context/stack.ts';
import { defined } from '../../experiment/util/defined.ts';
import { realClock } from '../../local/clock/real.ts';
import type { Recorder } from './evidence.ts';
import type { Lab, ProveClients } from './lab.ts';

/** Whether the clients are led to something that is not AWS. */
export const isLocal = Object.keys(process.env).some((name) => name.startsWith('AWS_ENDPOINT_URL'));

/** A local system does in a second what takes AWS twenty. */
const LOCAL_PACE = 0.05;

/** A stack in an account, by the SDK's own chain of credentials. @throws CommandFailed, and the SDK's errors */
export async function liveLab(
  {
    stack: name,
    region,
    profile,
  }: { stack: string; region: string | undefined; profile: string | undefined },
  recorder: Recorder,
  say: Lab['say'],
): Promise<{ lab: Omit<Lab, 'signal'>; caller: string }> {
  const place = {
    ...defined({ region, profile }),
  };
  const clients = clientsOf(place, recorder);
  const { account, arn: caller } = await askCaller(clients.sts);
  const stack = await describeStack(clients.formation, name);
  const { deployment } = readOutputs(name, stack.outputs);
  const where = await clients.sts.config.region();
  const lab = {
    clients,
    as: (credentials: object) => clientsOf({ ...place, region: where, credentials }, recorder),
    stack,
    deployment,
    bucket: new Bucket(s3Port(clients.s3), deployment.bucket, realClock),
    region: where,
    account,
    clock: realClock,
    nonce: () => randomBytes(16).toString('hex'),
    pace: isLocal ? LOCAL_PACE : 1,
    say,
  };
  return { lab, caller };
}

export function clientsOf(place: object, recorder: Recorder): ProveClients {
  const config = {
    ...place,
    maxAttempts: 6,
    requestHandler: { connectionTimeout: 5000, socketTimeout: 30_000 },
  };
  return {
    s3: recorder.watch(new S3Client({ ...config, forcePathStyle: isLocal })),
    batch: recorder.watch(new BatchClient(config)),
    states: recorder.watch(new SFNClient(config)),
    events: recorder.watch(new EventBridgeClient(config)),
    queues: recorder.watch(new SQSClient(config)),
    ecs: recorder.watch(new ECSClient(config)),
    ec2: recorder.watch(new EC2Client(config)),
    formation: recorder.watch(new CloudFormationClient(config)),
    iam: recorder.watch(new IAMClient(config)),
    sts: recorder.watch(new STSClient(config)),
  };
}

/** Aborts at Ctrl-C and its like; what was made is removed then. At the second it ends at once. */
export function untilInterrupted(say: Lab['say']): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(name, () => {
      if (stop.signal.aborted) {
        say('ended at once: npm run prove -- --clean removes what is left');
        process.exit(130);
      }
      say(`${name}: what was made is being removed; once more ends it at once`);
      stop.abort(new Error(name));
    });
  return stop.signal;
}

/** Of a person at a terminal; of anybody else it is no. */
export async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question('Go on? [y/N] ')).trim());
  } finally {
    prompt.close();
  }
}
