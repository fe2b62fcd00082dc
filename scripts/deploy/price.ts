import { spawn } from 'node:child_process';
import * as z from 'zod';
import { parsedJson } from '../../experiment/util/parse-json.ts';

/** It answers within seconds or not at all; a deployment does not depend on it. */
const WITHIN_MS = 30_000;
const MAX_CHARACTERS = 1_000_000;

const answer = z.object({ PriceList: z.array(z.string()).max(100) });
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
  const read = answer.safeParse(parsedJson(text));
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
export async function askPrice(
  instanceType: string,
  region: string,
  env: NodeJS.ProcessEnv,
): Promise<number | undefined> {
  const child = spawn('aws', priceQuestion(instanceType, region), {
    stdio: ['ignore', 'pipe', 'ignore'],
    env,
    timeout: WITHIN_MS,
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    if (text.length < MAX_CHARACTERS) text += chunk;
  });
  return new Promise((resolve) => {
    child.on('error', () => resolve(undefined));
    child.on('close', () => resolve(priceAnswered(text)));
  });
}
