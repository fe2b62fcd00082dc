import type { FoundStack } from '../../cli/context/ask-account.ts';
import { QUOTAS } from '../../cli/context/ask-account.ts';
import { hasGpus } from '../../experiment/deployment/instance-gpus.ts';
import { vcpusOf } from '../../experiment/deployment/instance-vcpus.ts';
import type { DeployOptions } from './arguments.ts';
import { contradictions } from './contradictions.ts';
import type { Survey } from './read-account.ts';
import { judgeZone } from './zones.ts';

/** What this machine can do. */
export interface Machine {
  architecture: 'x86_64' | 'arm64';
  /** Its version, or why it cannot be used. */
  sam: { ok: true; version: string } | { ok: false; why: string };
  builder: { ok: true; builder: 'docker' | 'buildah' } | { ok: false; why: string };
}

export interface Verdict {
  /** Nothing can be done before these are: exit code 2. */
  faults: readonly string[];
  /** It could be done and is not: exit code 1. */
  refusals: readonly string[];
  warnings: readonly string[];
  /** The template's parameters as they will be, as far as they matter here. */
  settings: Settings;
}

export interface Settings {
  architecture: 'x86_64' | 'arm64';
  maxVcpus: number;
  nodeVcpus: number;
  /** What a node is whose manifest names no type. */
  nodeType: string;
  /** All that they may be. */
  types: readonly string[];
  /** Empty where none was given. */
  zone: string;
  /** Whether the stack makes its own network. */
  isOwnNetwork: boolean;
  userId: number;
  /** Whether nodes' image has SIERRA in it. */
  sierra: boolean;
  /** Another image than ours: none is built. */
  image: string;
  /** Parameters that nobody gave and that follow from others, where the stack has them otherwise. */
  derived: Readonly<Record<string, string>>;
  /** What does not go together. */
  contradictions: readonly string[];
}

const LEAST_LAMBDAS = 50;
/** 1.120: older ones refuse properties that the template has. */
const LEAST_SAM = 1120;
/** The template's own, where InstanceTypes is empty. */
const TYPES = { x86_64: 'c6i.4xlarge', arm64: 'c7g.4xlarge' } as const;

/**
 * What stands against a deployment, and what its owner should know. Pure. @param defaults the template's
 * @param survey undefined where the account tells nothing: what is known without it is judged all the same
 */
export function judge(
  survey: Survey | undefined,
  machine: Machine,
  options: DeployOptions,
  defaults: Readonly<Record<string, string>>,
): Verdict {
  const settings = settingsOf(survey?.stack, options, defaults);
  const zone = survey === undefined ? { faults: [], warnings: [] } : zoneVerdict(survey, settings);
  const { chosen } = zone;
  return {
    settings: {
      ...settings,
      derived: {
        ...settings.derived,
        ...priceParameter(survey, options, settings),
        ...(chosen === undefined ? {} : { Zone: chosen }),
      },
    },
    faults: [
      ...programFaults(machine, settings),
      ...settings.contradictions,
      ...(survey === undefined ? [] : stackFaults(survey, options)),
      ...(survey === undefined ? [] : vpcFaults(survey, settings)),
      ...zone.faults,
    ],
    refusals: survey === undefined ? [] : jobRefusals(survey, options),
    warnings: [
      ...(survey === undefined ? [] : quotaWarnings(survey, settings)),
      ...nodeWarnings(settings),
      ...imageWarnings(machine, settings),
      ...zone.warnings,
    ],
  };
}

/** The parameters as they will be. Pure. */
export function settingsOf(
  stack: FoundStack | undefined,
  options: DeployOptions,
  defaults: Readonly<Record<string, string>>,
): Settings {
  const value = (name: string) => options.parameters[name] ?? stack?.parameters[name] ?? defaults[name] ?? '';
  const architecture = value('NodeArchitecture') === 'arm64' ? 'arm64' : 'x86_64';
  // CloudFormation drops the blanks of a list as well.
  const given = value('InstanceTypes')
    .split(',')
    .map((type) => type.trim())
    .filter((type) => type !== '');
  const types = given.length === 0 ? [TYPES[architecture]] : given;
  return {
    architecture,
    maxVcpus: Number(value('MaxvCpus')),
    nodeVcpus: Number(value('DefaultVcpus')),
    nodeType: types[0] ?? '',
    types,
    zone: value('Zone'),
    isOwnNetwork: value('VpcId') === '',
    userId: Number(value('UserId')),
    sierra: value('Sierra') === 'true',
    image: value('Image'),
    derived: gpusOf(types, value('Gpus')),
    contradictions: contradictions(value, types),
  };
}

/** Without resources: its network is still to be made. */
function isNew({ stack }: Survey): boolean {
  return stack === undefined || stack.status === 'REVIEW_IN_PROGRESS';
}

/** Of subnets that are not the stack's own nobody is asked, nor of the zone of a stack that stands and was given none. */
function zoneVerdict(survey: Survey, { zone, types, isOwnNetwork }: Settings): ReturnType<typeof judgeZone> {
  const { offers } = survey;
  if (!isOwnNetwork || (zone === '' && !isNew(survey))) return { faults: [], warnings: [] };
  if (offers !== undefined) return judgeZone(zone, offers, types);
  const unknown = `Which zones have ${types[0]} is not known to you (ec2:DescribeInstanceTypeOfferings).`;
  const hint =
    zone === '' ? ' The region’s first is taken, for good: name one that has it by Zone=NAME.' : '';
  return { faults: [], warnings: [`${unknown}${hint}`] };
}

function vpcFaults(survey: Survey, { isOwnNetwork }: Settings): string[] {
  const { vpcs, vpcQuota } = survey;
  if (!isOwnNetwork || !isNew(survey) || vpcs === undefined || vpcQuota === undefined || vpcs < vpcQuota)
    return [];
  return [
    `The region has ${vpcs} VPCs and may have ${vpcQuota}: the stack's own cannot be made. Ask for more (Service Quotas, VPC, "VPCs per Region", L-F678F1CE), or name one that is there: VpcId=… SubnetIds=…`,
  ];
}

/** A price that is given holds; one that AWS tells now is better than the stack's. Without one the functions have their list. */
function priceParameter(survey: Survey | undefined, { parameters }: DeployOptions, { types }: Settings) {
  if (survey === undefined || parameters.NodePrice !== undefined) return {};
  const { nodePrice, stack } = survey;
  const before = stack?.parameters.NodePrice ?? 'unknown';
  const isSameType = stack?.outputs.NodeInstanceTypes?.split(',')[0] === types[0];
  const NodePrice = nodePrice === undefined ? (isSameType ? before : 'unknown') : String(nodePrice);
  return NodePrice === before ? {} : { NodePrice };
}

/** Whether nodes' image needs the driver of GPUs. */
function gpusOf(types: readonly string[], before: string): Record<string, string> {
  const Gpus = String(types.some(hasGpus));
  return Gpus === before ? {} : { Gpus };
}

function programFaults({ sam, builder }: Machine, { image }: Settings): string[] {
  const faults: string[] = [];
  if (!sam.ok)
    faults.push(
      `The SAM command line cannot be used (${sam.why}). Install it: pipx install aws-sam-cli, or https://docs.aws.amazon.com/serverless-application-model/`,
    );
  const version = sam.ok ? /(\d+)\.(\d+)\.\d+/.exec(sam.version) : null;
  if (version !== null && Number(version[1]) * 1000 + Number(version[2]) < LEAST_SAM)
    faults.push(
      `The SAM command line is version ${version[0]}, and what is deployed is known to it from 1.120 on. Renew it: pipx upgrade aws-sam-cli`,
    );
  if (!builder.ok && image === '')
    faults.push(`${builder.why} Or name an image that is there already: Image=NAME.`);
  return faults;
}

function stackFaults({ stack }: Survey, { stack: name, region, profile }: DeployOptions): string[] {
  const where = Object.entries({ region, profile })
    .map(([option, value]) => (value === undefined ? '' : ` --${option} ${value}`))
    .join('');
  const status = stack?.status ?? '';
  if (/^(ROLLBACK_COMPLETE|ROLLBACK_FAILED|CREATE_FAILED|DELETE_FAILED)$/.test(status))
    return [
      `The stack ${name} is ${status}: it does not work. Delete it (sam delete --stack-name ${name}${where}), then deploy again.`,
    ];
  if (status === 'UPDATE_ROLLBACK_FAILED')
    return [
      `The stack ${name} is ${status}: aws cloudformation continue-update-rollback --stack-name ${name}${where}`,
    ];
  if (status.endsWith('_IN_PROGRESS') && status !== 'REVIEW_IN_PROGRESS')
    return [`The stack ${name} is ${status}: someone is changing it. Wait until that has ended.`];
  return [];
}

function jobRefusals({ liveJobs }: Survey, { force }: DeployOptions): string[] {
  if (liveJobs.length === 0 || force) return [];
  const some = liveJobs.slice(0, 5).map(({ name, status }) => `${name} (${status})`);
  const more = liveJobs.length > some.length ? `, and ${liveJobs.length - some.length} more` : '';
  return [
    `${liveJobs.length} ${liveJobs.length === 1 ? 'job has' : 'jobs have'} not ended: ${some.join(', ')}${more}. Wait for them, or deploy with --force, which leaves alone what they run on.`,
  ];
}

function quotaWarnings({ vcpuQuotas, lambdaQuota }: Survey, { maxVcpus, nodeVcpus }: Settings): string[] {
  const warnings = vcpuQuotas.flatMap(({ kind, value }) => {
    const more = `Service Quotas, EC2, "Running On-Demand ${kind} instances" (${QUOTAS[kind].QuotaCode})`;
    const which = kind === 'Standard' ? 'vCPUs' : `vCPUs of ${kind} machines`;
    if (value === undefined) return [`How many ${which} the account may have is not known to you: ${more}.`];
    const has = `The account may have ${value} ${which}`;
    if (value < nodeVcpus)
      return [`${has} and a node needs ${nodeVcpus}: no run will start. Ask for more: ${more}.`];
    if (value >= maxVcpus) return [];
    return [
      `${has}, and MaxvCpus is ${maxVcpus}: runs over that wait for ever. Ask for more (${more}), or deploy with MaxvCpus=${value}.`,
    ];
  });
  if (lambdaQuota !== undefined && lambdaQuota < LEAST_LAMBDAS)
    warnings.push(
      `The account may run ${lambdaQuota} functions at once. It works, slower when many manifests are dropped together: Service Quotas, Lambda, "Concurrent executions" (L-B99A9384).`,
    );
  return warnings;
}

function nodeWarnings({ nodeVcpus, nodeType }: Settings): string[] {
  const whole = vcpusOf(nodeType);
  if (whole === undefined || nodeVcpus <= whole) return [];
  return [
    `A node has ${nodeVcpus} vCPUs (DefaultVcpus) and a ${nodeType} ${whole}: manifests that do not ask for less are rejected. Deploy with DefaultVcpus=${whole}, and a DefaultMemoryMiB that it has.`,
  ];
}

function imageWarnings({ architecture }: Machine, settings: Settings): string[] {
  if (settings.image !== '' || settings.architecture === architecture) return [];
  return [
    `Nodes are ${settings.architecture} and this machine is ${architecture}: building their image needs QEMU (docker run --privileged --rm tonistiigi/binfmt --install all).`,
  ];
}
