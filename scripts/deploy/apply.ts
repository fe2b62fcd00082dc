import { CreateServiceLinkedRoleCommand } from '@aws-sdk/client-iam';
import type { FoundStack } from '../../cli/context/ask-account.ts';
import { findStack } from '../../cli/context/ask-account.ts';
import type { DeployOptions } from './arguments.ts';
import { samParameter } from './changes.ts';
import { checkDeployed } from './check-deployed.ts';
import type { Hands } from './context.ts';
import { DeployFailed } from './context.ts';
import { bringImage } from './ensure-image.ts';
import { changeSets, executeCarefully } from './execute-change-set.ts';
import type { Settings } from './plan-deployment.ts';
import type { DeployClients, Survey } from './read-account.ts';
import { liveJobs, textOf } from './read-account.ts';

/** Where it is deployed. */
export interface Account {
  clients: DeployClients;
  region: string;
}

/**
 * Roles, bundles, image, stack, and a look whether all of it is there. The image comes first where there is a repository,
 * so that no job meets a definition whose image is not there yet; a new stack makes the repository.
 * @throws DeployFailed, and the SDK's errors
 */
export async function deploy(
  { clients, region }: Account,
  hands: Hands,
  { options, settings }: { options: DeployOptions; settings: Settings },
  before: Survey,
): Promise<FoundStack> {
  await makeRoles(clients, hands, before);
  await hands.bundle();
  const tag = settings.image === '' ? hands.imageTag(settings) : undefined;
  const repository = before.stack?.outputs.RepositoryUri;
  if (tag !== undefined && repository !== undefined)
    await bringImage(clients, hands, settings, { repository, tag });
  // Building takes minutes: somebody may have submitted a job meanwhile.
  const jobs = await liveJobs(clients.batch, before.stack);
  if (jobs.length > 0 && !options.force)
    throw new DeployFailed(`${jobs[0]?.name} was submitted meanwhile: wait for it, or deploy with --force`);
  const careful = jobs.length > 0;
  const abandoned = careful ? await changeSets(clients.cloudFormation, options.stack) : [];
  const parameters = { ...options.parameters, ...settings.derived };
  await hands.run('sam', samArguments({ ...options, parameters }, region, tag, careful));
  if (careful) await executeCarefully(clients.cloudFormation, hands, options.stack, abandoned);
  const stack = await findStack(clients.cloudFormation, options.stack);
  if (stack === undefined) throw new DeployFailed(`there is no stack ${options.stack} after its deployment`);
  const there = stack.outputs.RepositoryUri ?? '';
  if (tag !== undefined && there !== repository)
    await bringImage(clients, hands, settings, { repository: there, tag });
  await checkDeployed(clients, stack, tag);
  return stack;
}

/** What `sam` is called with. Pure. @param careful running jobs forbid to execute what it makes */
export function samArguments(
  { stack, parameters, profile }: Pick<DeployOptions, 'stack' | 'parameters' | 'profile'>,
  region: string,
  tag: string | undefined,
  careful: boolean,
): string[] {
  const given = Object.entries({ ...parameters, ...(tag === undefined ? {} : { ImageTag: tag }) });
  return [
    'deploy',
    ...['--template-file', 'template.yaml', '--stack-name', stack],
    // `sam delete` takes the whole folder with it: another stack could not go back to its bundles.
    ...['--s3-prefix', stack, '--region', region],
    ...(profile === undefined ? [] : ['--profile', profile]),
    ...['--no-confirm-changeset', '--no-fail-on-empty-changeset'],
    ...(careful ? ['--no-execute-changeset'] : []),
    ...(given.length === 0 ? [] : ['--parameter-overrides', ...given.map(samParameter)]),
  ];
}

async function makeRoles({ iam }: DeployClients, { say }: Hands, { missingRoles }: Survey): Promise<void> {
  for (const { name, service } of missingRoles) {
    try {
      await iam.send(new CreateServiceLinkedRoleCommand({ AWSServiceName: service }));
      say(`made the service-linked role ${name}`);
    } catch (error) {
      throw new DeployFailed(
        `${name} is not there and you may not make it (${textOf(error)}). Let an administrator: aws iam create-service-linked-role --aws-service-name ${service}`,
      );
    }
  }
}
