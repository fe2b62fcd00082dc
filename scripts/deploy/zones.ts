import type { EC2Client } from '@aws-sdk/client-ec2';
import { paginateDescribeInstanceTypeOfferings, paginateDescribeVpcs } from '@aws-sdk/client-ec2';

/** By instance type the zones of the region that have it. */
export type Offers = Readonly<Record<string, readonly string[]>>;

/** `eu-west-1a`, and no zone of a city or of a carrier. */
const A_ZONE = /^\D+\d[a-z]$/;

/** Where types are offered; of families (`c6i`) nothing is asked. @throws the SDK's errors */
export async function askOffers(client: EC2Client, types: readonly string[]): Promise<Offers> {
  const Values = types.filter((type) => type.includes('.'));
  const offers = new Map<string, string[]>(Values.map((type) => [type, []]));
  if (Values.length === 0) return {};
  const asked = { LocationType: 'availability-zone', Filters: [{ Name: 'instance-type', Values }] } as const;
  for await (const page of paginateDescribeInstanceTypeOfferings(
    { client },
    { ...asked, Filters: [...asked.Filters] },
  ))
    for (const { InstanceType = '', Location = '' } of page.InstanceTypeOfferings ?? [])
      if (A_ZONE.test(Location)) offers.get(InstanceType)?.push(Location);
  return Object.fromEntries(offers);
}

/** How many VPCs the region has. @throws the SDK's errors */
export async function countVpcs(client: EC2Client): Promise<number> {
  let count = 0;
  for await (const { Vpcs = [] } of paginateDescribeVpcs({ client }, {})) count += Vpcs.length;
  return count;
}

interface ZoneVerdict {
  faults: readonly string[];
  warnings: readonly string[];
  /** Where none was given, the first that has all types, or else the first type. */
  chosen?: string;
}

/** Whether nodes can start in a zone. Pure. @param zone empty: it is still to be chosen @param types the first is the default */
export function judgeZone(zone: string, offers: Offers, types: readonly string[]): ZoneVerdict {
  const [first = ''] = types;
  const having = offers[first]?.toSorted();
  if (having === undefined) return { faults: [], warnings: [] };
  const most = having.find((each) => types.every((type) => offers[type]?.includes(each) !== false));
  const chosen = zone === '' ? (most ?? having[0]) : zone;
  if (chosen === undefined)
    return {
      faults: [`No zone of this region has ${first}: name other InstanceTypes, or another --region.`],
      warnings: [],
    };
  if (!having.includes(chosen))
    return {
      faults: [
        `The zone ${chosen} has no ${first}, so that no node would start (${having.join(', ') || 'no other zone'} has). Name other InstanceTypes, or for a new stack another Zone.`,
      ],
      warnings: [],
    };
  const lacking = types.filter((type) => offers[type]?.includes(chosen) === false);
  const warnings =
    lacking.length === 0
      ? []
      : [
          `The zone ${chosen} has no ${lacking.join(', ')}: manifests that name such a type would wait for ever.`,
        ];
  return { faults: [], warnings, ...(zone === '' ? { chosen } : {}) };
}
