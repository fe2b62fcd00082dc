import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BatchClient } from '@aws-sdk/client-batch';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECRClient } from '@aws-sdk/client-ecr';
import { IAMClient } from '@aws-sdk/client-iam';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import { commandOutput } from '../../container/util/run-command.ts';
import { defined } from '../../experiment/util/defined.ts';
import { parsedJson } from '../../experiment/util/parse-json.ts';
import { findBuilder, ImageFailed } from '../image/build.ts';
import { makeImage, planImage } from '../image/make.ts';
import type { ImageOptions } from '../image/options.ts';
import type { DeployOptions } from './arguments.ts';
import type { Hands } from './context.ts';
import { DeployFailed } from './context.ts';
import type { Machine, Settings } from './plan-deployment.ts';
import type { DeployClients } from './read-account.ts';
import { NotLoggedIn } from './read-account.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Of a program that tells its version. */
const VERSION_WITHIN_MS = 30_000;

/** Clients of one account and region, with the SDK's own chain of credentials. @throws NotLoggedIn without a region */
export async function liveClients({
  region,
  profile,
}: DeployOptions): Promise<{ clients: DeployClients; region: string }> {
  const config = {
    ...defined({ region, profile }),
    maxAttempts: 4,
  };
  const sts = new STSClient(config);
  const resolved = await sts.config.region().catch(() => {
    throw new NotLoggedIn('No region is chosen: name one with --region, or set AWS_REGION.');
  });
  return {
    region: resolved,
    clients: {
      sts,
      batch: new BatchClient(config),
      cloudFormation: new CloudFormationClient(config),
      ec2: new EC2Client(config),
      ecr: new ECRClient(config),
      iam: new IAMClient(config),
      quotas: new ServiceQuotasClient(config),
    },
  };
}

export async function lookAtMachine(): Promise<Machine> {
  const sam = await commandOutput('sam', ['--version'], {
    timeoutMs: VERSION_WITHIN_MS,
    env: { ...process.env, SAM_CLI_TELEMETRY: '0' },
  });
  const ended = sam.failed ?? `it ended with ${sam.code}`;
  const why = ended.includes('ENOENT') ? 'not installed' : ended;
  const builder = ((): Machine['builder'] => {
    try {
      return { ok: true, builder: findBuilder() };
    } catch (error) {
      if (error instanceof ImageFailed) return { ok: false, why: error.message };
      throw error;
    }
  })();
  return {
    architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
    sam: sam.code === 0 ? { ok: true, version: sam.stdout.trim() } : { ok: false, why },
    builder,
  };
}

/** @param say told what goes on */
export function liveHands({ profile }: DeployOptions, { builder }: Machine, say: Hands['say']): Hands {
  const imageOptions = ({ architecture, userId, sierra }: Settings): ImageOptions => ({
    architecture,
    userId,
    sierra,
  });
  const env = {
    ...process.env,
    SAM_CLI_TELEMETRY: '0',
    ...(profile === undefined ? {} : { AWS_PROFILE: profile }),
  };
  const run: Hands['run'] = async (program, args, input) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env,
      stdio: [input === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'],
    });
    child.stdin?.on('error', () => undefined); // The program's end tells more than its pipe.
    child.stdin?.end(input);
    const [code] = await once(child, 'exit').catch((error: unknown) => {
      throw new DeployFailed(`${program} cannot be started: ${String(error)}`);
    });
    if (code !== 0) throw new DeployFailed(`${program} ${args[0]} ended with ${code}: see above`);
  };
  return {
    run,
    bundle: () => run(process.execPath, [join(ROOT, 'scripts/build/build.ts')]),
    imageTag: (settings) => planImage(imageOptions(settings)).tag,
    pushImage: (settings, repository) => makeImage({ ...imageOptions(settings), push: repository }),
    priceOf: (instanceType, region) => askPrice(instanceType, region, env),
    builder: builder.ok ? builder.builder : undefined,
    say,
    sleep: async (ms) => {
      await delay(ms);
    },
  };
}

/** It answers within seconds or not at all; a deployment does not depend on it. */
const PRICE_WITHIN_MS = 30_000;

const priceAnswer = z.object({ PriceList: z.array(z.string()).max(100) });
const offer = z.object({
  terms: z.object({
    OnDemand: z.record(
      z.string(),
      z.object({
        priceDimensions: z.record(
          z.string(),
          z.object({ unit: z.literal('Hrs'), pricePerUnit: z.object({ USD: z.coerce.number().positive() }) }),
        ),
      }),
    ),
  }),
});

/** What the AWS command line is asked: shared tenancy alone, or hosts of one's own would be priced as well. */
function priceQuestion(instanceType: string, region: string): string[] {
  const filters = {
    instanceType,
    regionCode: region,
    operatingSystem: 'Linux',
    preInstalledSw: 'NA',
    tenancy: 'Shared',
    capacitystatus: 'Used',
  };
  return [
    ...['pricing', 'get-products', '--service-code', 'AmazonEC2', '--output', 'json'],
    // The service has few regions; this one is in all partitions that have it.
    ...['--region', 'us-east-1', '--filters'],
    ...Object.entries(filters).map(([name, value]) => `Type=TERM_MATCH,Field=${name},Value=${value}`),
  ];
}

/** USD an hour from what it answered; undefined unless all offers are at one price. Pure. */
export function priceAnswered(text: string): number | undefined {
  const read = priceAnswer.safeParse(parsedJson(text));
  if (!read.success) return undefined;
  const prices = read.data.PriceList.flatMap((one) => {
    const { data } = offer.safeParse(parsedJson(one));
    return Object.values(data?.terms.OnDemand ?? {}).flatMap(({ priceDimensions }) =>
      Object.values(priceDimensions).map(({ pricePerUnit }) => pricePerUnit.USD),
    );
  });
  return new Set(prices).size === 1 ? prices[0] : undefined;
}

/** AWS's own price list, where its command line is here and may ask it (`pricing:GetProducts`); undefined otherwise. */
async function askPrice(
  instanceType: string,
  region: string,
  env: NodeJS.ProcessEnv,
): Promise<number | undefined> {
  const question = priceQuestion(instanceType, region);
  const { stdout } = await commandOutput('aws', question, { timeoutMs: PRICE_WITHIN_MS, env });
  return priceAnswered(stdout);
}
