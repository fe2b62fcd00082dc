import { DescribeComputeEnvironmentsCommand, DescribeJobDefinitionsCommand } from '@aws-sdk/client-batch';
import type { FoundStack } from '../../cli/context/ask-account.ts';
import { DeployFailed } from './context.ts';
import { isImageThere } from './ensure-image.ts';
import type { DeployClients } from './read-account.ts';

/** What a green stack does not say: that nodes can start from it. @throws DeployFailed */
export async function checkDeployed(
  clients: DeployClients,
  { outputs }: FoundStack,
  tag: string | undefined,
): Promise<void> {
  const { ComputeEnvironmentArn = '', JobDefinitionArn = '', RepositoryUri = '' } = outputs;
  const { computeEnvironments: [environment] = [] } = await clients.batch.send(
    new DescribeComputeEnvironmentsCommand({ computeEnvironments: [ComputeEnvironmentArn] }),
  );
  if (environment?.status !== 'VALID')
    throw new DeployFailed(
      `the compute environment is ${environment?.status ?? 'not there'}: ${environment?.statusReason ?? 'no reason is given'}`,
    );
  const { jobDefinitions: [definition] = [] } = await clients.batch.send(
    new DescribeJobDefinitionsCommand({ jobDefinitions: [JobDefinitionArn] }),
  );
  if (definition?.status !== 'ACTIVE')
    throw new DeployFailed(`the job definition ${JobDefinitionArn} is ${definition?.status ?? 'not there'}`);
  const image = definition.nodeProperties?.nodeRangeProperties?.[0]?.container?.image ?? '';
  if (tag === undefined) return;
  const repositoryName = RepositoryUri.slice(RepositoryUri.indexOf('/') + 1);
  if (image !== `${RepositoryUri}:${tag}` || !(await isImageThere(clients, repositoryName, tag)))
    throw new DeployFailed(
      `nodes would start from ${image}, which is not the image that was pushed (${tag})`,
    );
}
