import { DescribeJobsCommand, ListJobsCommand, TerminateJobCommand } from '@aws-sdk/client-batch';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { AssumeRoleCommand } from '@aws-sdk/client-sts';
import type { Answer, Lab, ProveClients } from './lab.ts';
import { until } from './lab.ts';
import { makeRole } from './made.ts';

type Attempts = Readonly<Record<string, (clients: ProveClients) => Promise<unknown>>>;

/** Nothing that is there is touched: objects, jobs and executions of these names do not exist. */
function attemptsIn({ bucket, deployment, stack, ...lab }: Lab) {
  const Bucket = bucket.name;
  const name = `prove-${lab.nonce().slice(0, 8)}`;
  const put = (folder: string) => (clients: ProveClients) =>
    clients.s3.send(new PutObjectCommand({ Bucket, Key: `${folder}/${name}`, Body: 'x' }));
  const remove = (folder: string) => (clients: ProveClients) =>
    clients.s3.send(new DeleteObjectCommand({ Bucket, Key: `${folder}/${name}` }));
  const job = '00000000-0000-4000-8000-000000000000';
  const executionArn = `${deployment.stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
  const shared: Attempts = {
    'drop inputs': put('inputs'),
    'read inputs': ({ s3 }) => s3.send(new GetObjectCommand({ Bucket, Key: `inputs/${name}` })),
    'list runs': ({ s3 }) => s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'runs/prove-', MaxKeys: 1 })),
    'look at an execution': ({ states }) => states.send(new DescribeExecutionCommand({ executionArn })),
    'look at a job': ({ batch }) => batch.send(new DescribeJobsCommand({ jobs: [job] })),
    'find the stack': ({ formation }) => formation.send(new DescribeStacksCommand({ StackName: stack.name })),
  };
  const closed: Attempts = {
    'write records of runs': put('runs'),
    'write control records': put('control'),
    'read control records': ({ s3 }) => s3.send(new GetObjectCommand({ Bucket, Key: `control/${name}` })),
    // What has no tag of a run, as nothing has that does not exist.
    'terminate a job of others': ({ batch }) =>
      batch.send(new TerminateJobCommand({ jobId: job, reason: 'npm run prove' })),
  };
  const ofOperators: Attempts = {
    'list jobs': ({ batch }) =>
      batch.send(
        new ListJobsCommand({
          jobQueue: deployment.queues[deployment.defaultQueue]?.arn,
          filters: [{ name: 'JOB_NAME', values: [name] }],
        }),
      ),
    'clean inputs': remove('inputs'),
  };
  return { shared, closed, ofOperators, remove };
}

export async function researcher(lab: Lab, answer: Answer): Promise<void> {
  const { shared, closed, ofOperators, remove } = attemptsIn(lab);
  await asRole(lab, 'researcher', { may: shared, mayNot: { ...closed, ...ofOperators } }, answer);
  await remove('inputs')(lab.clients);
}

export async function operator(lab: Lab, answer: Answer): Promise<void> {
  const { shared, closed, ofOperators, remove } = attemptsIn(lab);
  const mayNot = { ...closed, 'remove control records': remove('control') };
  await asRole(lab, 'operator', { may: { ...shared, ...ofOperators }, mayNot }, answer);
}

async function asRole(
  lab: Lab,
  who: 'researcher' | 'operator',
  { may, mayNot }: { may: Attempts; mayNot: Attempts },
  answer: Answer,
): Promise<void> {
  const { ResearcherPolicyArn = '', OperatorPolicyArn = '' } = lab.stack.outputs;
  const RoleArn = await makeRole(lab, who === 'operator' ? OperatorPolicyArn : ResearcherPolicyArn);
  const clients = await until(lab, `the role of a ${who}`, 120, () => assumed(lab, RoleArn, may));
  const wrong: string[] = [];
  for (const [what, attempt] of Object.entries(may))
    if (!(await isAllowed(clients, attempt))) wrong.push(`may not ${what}`);
  for (const [what, attempt] of Object.entries(mayNot))
    if (await isAllowed(clients, attempt)) wrong.push(`may ${what}`);
  const right = `${Object.keys(may).length} calls were allowed and ${Object.keys(mayNot).length} refused`;
  answer(who, wrong.length === 0 ? 'as assumed' : 'otherwise', wrong.join(', ') || right);
}

/** Once IAM has told everybody of the role and of its policy. */
async function assumed(lab: Lab, RoleArn: string, may: Attempts): Promise<ProveClients | undefined> {
  try {
    const { Credentials } = await lab.clients.sts.send(
      new AssumeRoleCommand({ RoleArn, RoleSessionName: 'prove', DurationSeconds: 900 }),
    );
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {};
    const clients = lab.as({
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    });
    const [first] = Object.values(may);
    return first !== undefined && (await isAllowed(clients, first)) ? clients : undefined;
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

/** What fails otherwise was allowed. */
async function isAllowed(clients: ProveClients, attempt: (clients: ProveClients) => Promise<unknown>) {
  try {
    await attempt(clients);
    return true;
  } catch (error) {
    return !isDenied(error);
  }
}

function isDenied(error: unknown): boolean {
  return (
    error instanceof Error && /AccessDenied|NotAuthorized|^InvalidClientTokenId$|Forbidden/.test(error.name)
  );
}
