import { needsOwnDefinition, ownDefinition } from '../../experiment/batch/job-definition.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import { UnknownRecord } from '../../experiment/util/errors.ts';
import type { FunctionDeps } from '../deps.ts';

/**
 * The job definition for a plan: the deployment's, or one with the plan's image and shared memory, registered once. Two
 * copies at once may register two revisions, which say the same.
 * @throws the errors of AWS' client; UnknownRecord where the deployment's own definition is gone
 */
export async function jobDefinitionFor(
  { batch, deployment, logger }: Pick<FunctionDeps, 'batch' | 'deployment' | 'logger'>,
  plan: Plan,
): Promise<string> {
  if (!needsOwnDefinition(plan)) return deployment.jobDefinition;
  const { jobDefinitions: [deployed] = [] } = await batch.describeJobDefinitions({
    jobDefinitions: [deployment.jobDefinition],
  });
  if (deployed === undefined)
    throw new UnknownRecord(`Batch does not know the job definition ${deployment.jobDefinition}`);
  const wanted = ownDefinition(plan, deployed);
  const { jobDefinitions = [] } = await batch.describeJobDefinitions({
    jobDefinitionName: wanted.jobDefinitionName,
    status: 'ACTIVE',
  });
  const known = jobDefinitions.find(({ jobDefinitionArn }) => jobDefinitionArn !== undefined);
  if (known?.jobDefinitionArn !== undefined) return known.jobDefinitionArn;
  const { jobDefinitionArn = '' } = await batch.registerJobDefinition(wanted);
  logger.info('JobDefinition:Registered', { runId: plan.runId, jobDefinition: jobDefinitionArn });
  return jobDefinitionArn;
}
