import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { BatchClientConfig } from '@aws-sdk/client-batch';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { SFNClientConfig } from '@aws-sdk/client-sfn';
import type { LocalEndpoint } from '../../experiment/deployment/local-endpoint.ts';
import { plainJson, visibleText } from '../../experiment/text/visible-text.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { defined } from '../../experiment/util/defined.ts';
import { userName } from '../../submission/user-name.ts';
import type { StackClients } from './check-stack.ts';
import type { Terminal } from './context.ts';

/** Where the SDK looks: overrides of its own chain. */
export interface AwsPlace {
  region?: string | undefined;
  profile?: string | undefined;
}

/** A call of a person's is worth a few tries; one that hangs is not. Milliseconds. */
const PATIENCE = { maxAttempts: 4, requestHandler: { connectionTimeout: 5000, socketTimeout: 30_000 } };

// The SDK is part of our bundle: that a later one will not run on Node 20 is nothing that a user could act on. The SDK has
// no other switch for this.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

/** What this process has from outside: the only place of this room that reads the environment and makes clients. */
export const surroundings = {
  /** npm runs its scripts in the package's folder and tells where the user was. */
  cwd: process.cwd(),
  home: homedir(),
  packageFolder: fileURLToPath(new URL('../..', import.meta.url)),
  stack: process.env.SIERRA_BATCH_STACK || undefined,
  searchPath: process.env.PATH ?? '',
  nonce: () => randomBytes(16).toString('hex'),
};

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
};

/** A remark of ours, on standard error. */
export function remark(text: string): void {
  process.stderr.write(visibleText(text.endsWith('\n') ? text : `${text}\n`));
}

/**
 * Nothing but this and {@link remark} writes for a person: what others wrote loses there what a terminal would act on.
 * @param asJson no colours and no questions then
 */
export function liveTerminal(asJson: boolean): Terminal {
  const { stdin, stdout, stderr } = process;
  const inCi = !['', 'false', undefined].includes(process.env.CI);
  const interactive = stdout.isTTY === true && !inCi && !asJson && process.env.TERM !== 'dumb';
  const write = async (to: NodeJS.WriteStream, text: string) => {
    if (!to.write(to.isTTY ? visibleText(text) : text)) await once(to, 'drain');
  };
  return {
    say: (line) => stdout.write(visibleText(`${line}\n`)),
    json: (value) => stdout.write(`${plainJson(value, 2)}\n`),
    write: (text) => write(stdout, text),
    writeBeside: (text) => write(stderr, text),
    remark,
    output: stdout,
    interactive,
    asks: interactive && stdin.isTTY === true,
    // An empty NO_COLOR does not count: https://no-color.org
    colour: interactive && (process.env.NO_COLOR ?? '') === '',
  };
}

/** A run that is to end costs money meanwhile: its canceller's name is not waited for long. */
const NAME_WITHIN_MS = 2500;

/** The clients of the SDK, each loaded when it is first asked for. */
export function awsClients(place: AwsPlace) {
  const settings = settingsOf(place);
  // An endpoint of one's own has no wildcard DNS, so that buckets go in the path.
  const forcePathStyle = process.env.AWS_ENDPOINT_URL_S3 !== undefined;
  return {
    ...ports({ s3: { ...settings, forcePathStyle }, states: settings, batch: settings }),
    user: async () => {
      const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
      const impatient = new STSClient({ ...settings, maxAttempts: 1 });
      const abortSignal = AbortSignal.timeout(NAME_WITHIN_MS);
      const caller = impatient.send(new GetCallerIdentityCommand({}), { abortSignal });
      return callerName((await caller.catch(() => undefined))?.Arn) ?? ownName();
    },
    logs: onFirstUse(
      async () => new (await import('@aws-sdk/client-cloudwatch-logs')).CloudWatchLogsClient(settings),
    ),
    formation: onFirstUse(
      async () => new (await import('@aws-sdk/client-cloudformation')).CloudFormationClient(settings),
    ),
  };
}

function onFirstUse<Client>(make: () => Promise<Client>): () => Promise<Client> {
  let made: Promise<Client> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** All that `doctor` looks at a stack with. */
export async function stackClients(place: AwsPlace): Promise<StackClients> {
  const { s3, states, logs } = awsClients(place);
  const settings = settingsOf(place);
  const [{ BatchClient }, { ECRClient }, { SNSClient }, { STSClient }, { ServiceQuotasClient }] =
    await Promise.all([
      import('@aws-sdk/client-batch'),
      import('@aws-sdk/client-ecr'),
      import('@aws-sdk/client-sns'),
      import('@aws-sdk/client-sts'),
      import('@aws-sdk/client-service-quotas'),
    ]);
  return {
    s3: await s3(),
    states: await states(),
    batch: new BatchClient(settings),
    logs: await logs(),
    ecr: new ECRClient(settings),
    sns: new SNSClient(settings),
    sts: new STSClient(settings),
    quotas: new ServiceQuotasClient(settings),
  };
}

/** The clients of a local system. Whatever the user's environment and profile say of AWS does not count. */
export function localClients({ endpoint: caller }: Pick<LocalEndpoint, 'endpoint'>) {
  const settings = {
    ...PATIENCE,
    region: caller.AWS_REGION,
    credentials: { accessKeyId: caller.AWS_ACCESS_KEY_ID, secretAccessKey: caller.AWS_SECRET_ACCESS_KEY },
    // The SDK refuses both for an endpoint of one's own.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
  };
  return {
    ...ports({
      s3: { ...settings, endpoint: caller.AWS_ENDPOINT_URL_S3, forcePathStyle: true },
      states: { ...settings, endpoint: caller.AWS_ENDPOINT_URL_SFN },
      batch: { ...settings, endpoint: caller.AWS_ENDPOINT_URL_BATCH },
    }),
    user: async () => ownName(),
  };
}

/** By the settings of each client. */
function ports(settings: { s3: S3ClientConfig; states: SFNClientConfig; batch: BatchClientConfig }) {
  return {
    s3: onFirstUse(async () => {
      const { S3Client } = await import('@aws-sdk/client-s3');
      const { s3Port } = await import('../../aws/clients/s3.ts');
      return s3Port(new S3Client(settings.s3));
    }),
    states: onFirstUse(async () => {
      const { SFNClient } = await import('@aws-sdk/client-sfn');
      const { statesPort } = await import('../../aws/clients/states.ts');
      return statesPort(new SFNClient(settings.states));
    }),
    batch: onFirstUse(async () => {
      const { BatchClient } = await import('@aws-sdk/client-batch');
      const { batchPort } = await import('../../aws/clients/batch.ts');
      return batchPort(new BatchClient(settings.batch));
    }),
  };
}

/** In `…:assumed-role/Researcher/ada@lab.org`, `…:user/ada` and `…:root` the last part names the person. */
function callerName(arn: string | undefined): string | undefined {
  return arn?.split(/[/:]/).at(-1);
}

function ownName(): string {
  return userName() ?? 'someone';
}

function settingsOf({ region, profile }: AwsPlace) {
  return {
    ...PATIENCE,
    ...defined({ region, profile }),
  };
}
