import { dollars, nodeHoursSpoken } from '../text/numbers.ts';
import type { Deployment } from './deployment.ts';
import prices from './instance-prices.json' with { type: 'json' };
import { vcpusOf } from './instance-vcpus.ts';

/** What an hour of one node costs. `of` names what is priced: `c7i.4xlarge, eu-west-1`. */
export type Price =
  | { kind: 'known'; usdAnHour: number; of: string }
  /** Nodes are processes of this machine. */
  | { kind: 'free' }
  | { kind: 'unknown'; of: string };

/**
 * On-demand list price of an instance, Linux, in USD an hour: from a list with its date and source, in which 0 means
 * unknown. The list has sizes of one family at prices of dedicated hosts, 10 % higher; so it holds for each family and
 * region the price of a vCPU on which at least two of its sizes agree, and no family whose sizes do not.
 */
export function listPrice(instanceType: string, region: string): number | undefined {
  const families: Readonly<Record<string, readonly number[]>> = prices.families;
  const [family = ''] = instanceType.split('.');
  const aVcpu = Object.hasOwn(families, family)
    ? families[family]?.[prices.regions.indexOf(region)]
    : undefined;
  const vcpus = vcpusOf(instanceType);
  return aVcpu === undefined || aVcpu === 0 || vcpus === undefined ? undefined : aVcpu * vcpus;
}

/** The price of a run's nodes: the deployment's own for the type that it gives by itself, else the list's. */
export function priceOfNode(
  { instanceType, queue }: { instanceType?: string | undefined; queue?: string | undefined },
  deployment: Pick<Deployment, 'instanceTypes' | 'nodePrice' | 'stateMachineArn' | 'defaultQueue'>,
): Price {
  const { instanceTypes, nodePrice, stateMachineArn, defaultQueue } = deployment;
  if (instanceTypes === undefined) return { kind: 'free' };
  const region = stateMachineArn.split(':')[3] ?? '';
  const isOwn = (queue ?? defaultQueue) === defaultQueue;
  const type = instanceType ?? (isOwn ? instanceTypes[0] : undefined);
  if (type === undefined) return { kind: 'unknown', of: `the machines of the queue ${queue}` };
  const of = `${type}, ${region}`;
  const usdAnHour = (isOwn && type === instanceTypes[0] ? nodePrice : undefined) ?? listPrice(type, region);
  return usdAnHour === undefined ? { kind: 'unknown', of } : { kind: 'known', usdAnHour, of };
}

/** What node-hours cost in USD; undefined where their price is not known. */
export function usdOf(nodeHours: number, price: Price | undefined): number | undefined {
  if (price?.kind === 'free') return 0;
  return price?.kind === 'known' ? nodeHours * price.usdAnHour : undefined;
}

/** `5.1 node-hours (≈ 3.40 USD)`; without dollars where nothing is paid, or nobody knows what. */
export function costClause(nodeHours: number, price: Price | undefined): string {
  const usd = price?.kind === 'known' ? ` (≈ ${dollars(nodeHours * price.usdAnHour)})` : '';
  return `${nodeHoursSpoken(nodeHours)}${usd}`;
}

/** A bound is never rounded down. `≈ 3.40 USD, on-demand list price of c7i.4xlarge, eu-west-1`, or why there is no such number. */
export function costSpoken(
  nodeHours: number,
  price: Price | undefined,
  { isBound = false }: { isBound?: boolean } = {},
): string {
  switch (price?.kind) {
    case 'known': {
      const usd = nodeHours * price.usdAnHour;
      return `≈ ${dollars(isBound ? roundedUp(usd) : usd)}, on-demand list price of ${price.of}`;
    }
    case 'free':
      return 'costs nothing: nodes are processes of this machine';
    case 'unknown':
      return `in dollars unknown: no price of ${price.of} is known`;
    case undefined:
      return 'in dollars unknown: no deployment’s price is known';
  }
}

/** Dollars to the next cent; what floating point adds to a whole number of cents is none. */
export function roundedUp(usd: number): number {
  return Math.ceil(Number((100 * usd).toPrecision(12))) / 100;
}
