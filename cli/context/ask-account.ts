import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import type { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { GetServiceQuotaCommand } from '@aws-sdk/client-service-quotas';
import type { STSClient } from '@aws-sdk/client-sts';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';

/** What both `doctor` and `npm run deploy` ask an account. Changes nothing; the SDK's errors go through. */

type Client<Of extends { send: unknown }> = Pick<Of, 'send'>;

/** EC2's quotas of running On-Demand vCPUs, by kind of machine as AWS names it; and VPCs of a region, and functions at once. */
export const QUOTAS = {
  Standard: { ServiceCode: 'ec2', QuotaCode: 'L-1216C47A' },
  'G and VT': { ServiceCode: 'ec2', QuotaCode: 'L-DB2E81BA' },
  P: { ServiceCode: 'ec2', QuotaCode: 'L-417A185B' },
  vpcs: { ServiceCode: 'vpc', QuotaCode: 'L-F678F1CE' },
  functions: { ServiceCode: 'lambda', QuotaCode: 'L-B99A9384' },
} as const;

export type MachineKind = 'Standard' | 'G and VT' | 'P';

const KINDS: readonly [MachineKind, RegExp][] = [
  ['Standard', /^(a|c|d|h|i|im|is|m|r|t|z)\d/],
  ['G and VT', /^(g|gr|vt)\d/],
  ['P', /^p\d/],
];

/** The kinds of machines that types belong to, each once. Of rarer ones nothing is asked. Pure. */
export function kindsOf(types: readonly string[]): MachineKind[] {
  return KINDS.filter(([, family]) => types.some((type) => family.test(type))).map(([kind]) => kind);
}

/** A stack as CloudFormation describes it. */
export interface FoundStack {
  status: string;
  reason?: string;
  parameters: Readonly<Record<string, string>>;
  outputs: Readonly<Record<string, string>>;
}

export async function askCaller(sts: Client<STSClient>): Promise<{ account: string; arn: string }> {
  const { Account: account = '', Arn: arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
  return { account, arn };
}

export async function askQuota(
  quotas: Client<ServiceQuotasClient>,
  quota: (typeof QUOTAS)[keyof typeof QUOTAS],
): Promise<number | undefined> {
  return (await quotas.send(new GetServiceQuotaCommand(quota))).Quota?.Value;
}

/** undefined where there is no such stack. */
export async function findStack(
  formation: Client<CloudFormationClient>,
  StackName: string,
): Promise<FoundStack | undefined> {
  try {
    const { Stacks: [stack] = [] } = await formation.send(new DescribeStacksCommand({ StackName }));
    if (stack === undefined) return undefined;
    const { StackStatus: status = '', StackStatusReason: reason, Parameters = [], Outputs = [] } = stack;
    return {
      status,
      ...(reason === undefined ? {} : { reason }),
      parameters: Object.fromEntries(
        Parameters.map(({ ParameterKey = '', ParameterValue = '' }) => [ParameterKey, ParameterValue]),
      ),
      outputs: Object.fromEntries(
        Outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
      ),
    };
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message))
      return undefined;
    throw error;
  }
}
