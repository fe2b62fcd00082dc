import { TerminateJobCommand } from '@aws-sdk/client-batch';
import { UpdateStackCommand } from '@aws-sdk/client-cloudformation';
import {
  DeleteRuleCommand,
  ListRulesCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DetachRolePolicyCommand,
  paginateListRoles,
} from '@aws-sdk/client-iam';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  SetQueueAttributesCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { findStack } from '../../cli/context/ask-account.ts';
import { MANIFEST_PREFIX, rejectionKeys, runKeys } from '../../experiment/layout/bucket-keys.ts';
import { isRunId, makeRunId } from '../../experiment/layout/run-id.ts';
import { isOutcome } from '../../experiment/records/outcome.ts';
import { parseStatus } from '../../experiment/records/status.ts';
import type { Lab } from './lab.ts';
import {
  describeJob,
  isOver,
  jobIdOf,
  ms,
  OUR_INPUTS,
  OUR_MANIFEST,
  OUR_RUNS,
  stopRun,
  until,
} from './lab.ts';

/**
 * All that is made bears the stack's name with `-prove-`, and lies in the account alone: whoever cleans needs no file of
 * whoever was interrupted.
 */
const prefixOf = ({ stack }: Pick<Lab, 'stack'>) => `${stack.name}-prove-`;
const RULE_TARGET = 'queue';
/** What the parameter was: a tag of the queue, which goes last. */
const KEPT = 'MaxvCpus';

/** A queue that gets what S3, Batch and Step Functions tell. It refuses what is not TLS, as the stack's queues do. */
export async function catchEvents(lab: Lab): Promise<string> {
  const { queues, events } = lab.clients;
  const name = `${prefixOf(lab)}${lab.nonce().slice(0, 6)}`;
  const { QueueUrl = '' } = await queues.send(new CreateQueueCommand({ QueueName: name }));
  const { Attributes: { QueueArn = '' } = {} } = await queues.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const statement = { Action: 'sqs:SendMessage', Resource: QueueArn };
  const policy = {
    Version: '2012-10-17',
    Statement: [
      { ...statement, Sid: 'Events', Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' } },
      {
        ...statement,
        Sid: 'TlsOnly',
        Effect: 'Deny',
        Principal: '*',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  };
  const Attributes = { Policy: JSON.stringify(policy) };
  await queues.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
  // Nobody else's: what comes is written down.
  const ours = [{ prefix: OUR_RUNS }];
  const dropped = { bucket: { name: [lab.bucket.name] }, object: { key: [{ suffix: `/${OUR_MANIFEST}` }] } };
  const EventPattern = JSON.stringify({
    source: ['aws.s3', 'aws.batch', 'aws.states'],
    detail: { $or: [dropped, { jobName: ours }, { name: ours }] },
  });
  await events.send(new PutRuleCommand({ Name: name, EventPattern }));
  const { FailedEntryCount = 0 } = await events.send(
    new PutTargetsCommand({ Rule: name, Targets: [{ Id: RULE_TARGET, Arn: QueueArn }] }),
  );
  if (FailedEntryCount > 0) throw new Error('EventBridge does not take the queue as a target');
  return QueueUrl;
}

/** A role with that policy alone, for whoever is in this account. */
export async function makeRole({ clients, account, ...lab }: Lab, policy: string): Promise<string> {
  const RoleName = `${prefixOf(lab)}${lab.nonce().slice(0, 6)}`;
  const trust = { Effect: 'Allow', Principal: { AWS: account }, Action: 'sts:AssumeRole' };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
  const { Role } = await clients.iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
  await clients.iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: policy }));
  return Role?.Arn ?? '';
}

/** Another limit of the stack's vCPUs; the one that it had is kept at the queue. */
export async function changeStack(lab: Lab, QueueUrl: string): Promise<void> {
  const now = lab.stack.parameters.MaxvCpus ?? '';
  await lab.clients.queues.send(new TagQueueCommand({ QueueUrl, Tags: { [KEPT]: now } }));
  await updateStack(lab, String(Number(now) + lab.deployment.defaults.vcpus));
}

async function updateStack(lab: Lab, MaxvCpus: string): Promise<void> {
  const { formation } = lab.clients;
  const { name: StackName, parameters } = lab.stack;
  const Parameters = Object.keys(parameters).map((ParameterKey) =>
    ParameterKey === KEPT
      ? { ParameterKey, ParameterValue: MaxvCpus }
      : { ParameterKey, UsePreviousValue: true },
  );
  const settled = () =>
    until(lab, `the end of an update of ${StackName}`, 900, async () => {
      const { status = '', parameters: now } = (await findStack(formation, StackName)) ?? {};
      return status.endsWith('_IN_PROGRESS') ? undefined : { status, now: now?.[KEPT] };
    });
  // An interrupted update goes on by itself, and no other may begin meanwhile.
  if ((await settled()).now === MaxvCpus) return;
  const Capabilities = ['CAPABILITY_IAM' as const, 'CAPABILITY_AUTO_EXPAND' as const];
  await formation.send(
    new UpdateStackCommand({ StackName, UsePreviousTemplate: true, Parameters, Capabilities }),
  );
  const { status } = await settled();
  if (status !== 'UPDATE_COMPLETE') throw new Error(`the update of ${StackName} ended as ${status}`);
}

/** Puts the stack's parameter back where it was changed. */
export async function putBack(lab: Lab, QueueUrl: string): Promise<void> {
  const { Tags = {} } = await lab.clients.queues.send(new ListQueueTagsCommand({ QueueUrl }));
  const before = Tags[KEPT];
  if (before === undefined) return;
  await updateStack(lab, before);
  await lab.clients.queues.send(new UntagQueueCommand({ QueueUrl, TagKeys: [KEPT] }));
}

/** Whether another is under way or was interrupted: what it changed would be taken for what was there before. */
export async function isUnderWay(lab: Lab): Promise<boolean> {
  const asked = new ListQueuesCommand({ QueueNamePrefix: prefixOf(lab) });
  const { QueueUrls = [] } = await lab.clients.queues.send(asked);
  return QueueUrls.length > 0 || (await ourRuns(lab)).length > 0;
}

/** AWS lists a queue for a minute, and roles and rules for seconds, after they were removed. */
const GONE =
  /^(QueueDoesNotExist|AWS\.SimpleQueueService\.NonExistentQueue|NoSuchEntityException|ResourceNotFoundException)$/;

/**
 * Removes what this and earlier ones made: runs and their jobs first, since they cost. Whatever cannot be removed keeps
 * nothing else from being removed. @returns what is left, each with the reason; empty when nothing is
 */
export async function removeAll(lab: Lab): Promise<string[]> {
  const left: string[] = [];
  const attempt = async (what: string, remove: () => Promise<unknown>) => {
    try {
      await remove();
    } catch (error) {
      if (error instanceof Error && GONE.test(error.name)) return;
      left.push(`${what}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
    }
  };
  await attempt('runs', async () => {
    for (const run of await ourRuns(lab)) await attempt(`the run ${run.runId}`, () => removeRun(lab, run));
  });
  await attempt('inputs', async () => {
    for await (const { key } of lab.bucket.list(OUR_INPUTS)) await lab.bucket.delete(key);
  });
  const { queues, events, iam } = lab.clients;
  const prefix = prefixOf(lab);
  await attempt('rules', async () => {
    for (const { Name = '' } of (await events.send(new ListRulesCommand({ NamePrefix: prefix }))).Rules ?? [])
      await attempt(`the rule ${Name}`, async () => {
        await events.send(new RemoveTargetsCommand({ Rule: Name, Ids: [RULE_TARGET] }));
        await events.send(new DeleteRuleCommand({ Name }));
      });
  });
  await attempt('roles', async () => {
    for await (const { Roles = [] } of paginateListRoles({ client: iam }, {}))
      for (const { RoleName = '' } of Roles.filter((role) => role.RoleName?.startsWith(prefix)))
        await attempt(`the role ${RoleName}`, () => removeRole(lab, RoleName));
  });
  await attempt('queues', async () => {
    const { QueueUrls = [] } = await queues.send(new ListQueuesCommand({ QueueNamePrefix: prefix }));
    for (const QueueUrl of QueueUrls)
      await attempt(`the queue ${QueueUrl} and the stack's ${KEPT}`, async () => {
        await putBack(lab, QueueUrl);
        await queues.send(new DeleteQueueCommand({ QueueUrl }));
      });
  });
  return left;
}

async function removeRole({ clients, stack }: Lab, RoleName: string): Promise<void> {
  for (const PolicyArn of [stack.outputs.ResearcherPolicyArn, stack.outputs.OperatorPolicyArn])
    await clients.iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn })).catch((error: unknown) => {
      if (!(error instanceof Error && error.name === 'NoSuchEntityException')) throw error;
    });
  await clients.iam.send(new DeleteRoleCommand({ RoleName }));
}

interface OurRun {
  runId: string;
  manifest: string;
  rejection: string;
  droppedAt: number;
}

/** By the manifests that lie in the bucket: a run may not have come of one yet. */
async function ourRuns({ bucket, clients }: Lab): Promise<OurRun[]> {
  const runs: OurRun[] = [];
  const { HeadObjectCommand } = await import('@aws-sdk/client-s3');
  for await (const { key, modified } of bucket.list(MANIFEST_PREFIX)) {
    if (!key.endsWith(`/${OUR_MANIFEST}`)) continue;
    const text = (await bucket.read(key))?.text ?? '';
    const name = new RegExp(`^name: (${OUR_RUNS}[a-z]+)$`, 'm').exec(text)?.[1];
    if (name === undefined) continue;
    const { VersionId, ETag = '' } = await clients.s3.send(
      new HeadObjectCommand({ Bucket: bucket.name, Key: key }),
    );
    const version = VersionId ?? ETag.replaceAll('"', '');
    const runId = makeRunId(name, { bucket: bucket.name, key, version });
    runs.push({ runId, manifest: key, rejection: rejectionKeys(key, version).text, droppedAt: modified });
  }
  return runs;
}

/** How long a manifest may take to become a run: the sweep starts those whose event was lost. */
const ACCEPTED_WITHIN_S = 180;

/** Ends a run and takes its records out of the bucket; the functions' own, in `control/`, are closed and stay. */
async function removeRun(lab: Lab, { runId, manifest, rejection, droppedAt }: OurRun): Promise<void> {
  const { bucket, clients, clock } = lab;
  await until(lab, `the end of ${runId}`, 1200, async () => {
    if ((await bucket.head(rejection)) !== undefined) return true;
    const status = parseStatus((await bucket.read(runKeys(runId).status))?.text);
    if (status !== undefined && isOutcome(status.state)) return true;
    const stopped = await stopRun(lab, runId);
    return !stopped && clock.now() - droppedAt > ms(lab, ACCEPTED_WITHIN_S) ? true : undefined;
  });
  const jobId = await jobIdOf(lab, runId);
  if (jobId !== undefined)
    await until(lab, `the end of the job of ${runId}`, 900, async () => {
      const { parent } = await describeJob(lab, jobId);
      if (parent === undefined || isOver(parent)) return true;
      await clients.batch.send(new TerminateJobCommand({ jobId, reason: 'npm run prove' }));
      return undefined;
    });
  // The manifest goes last: it is what the run is known by.
  if (isRunId(runId)) for await (const { key } of bucket.list(`runs/${runId}/`)) await bucket.delete(key);
  for (const key of [rejection, rejection.replace(/txt$/, 'json'), manifest]) await bucket.delete(key);
}
