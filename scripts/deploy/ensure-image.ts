import { DescribeImagesCommand, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import type { Hands } from './context.ts';
import type { Settings } from './plan-deployment.ts';
import type { DeployClients } from './read-account.ts';

/** Builds and pushes the nodes' image, unless the repository has this very one. @throws the SDK's errors, ImageFailed */
export async function bringImage(
  { ecr }: DeployClients,
  hands: Hands,
  settings: Settings,
  { repository, tag }: { repository: string; tag: string },
): Promise<void> {
  const [registry = '', ...name] = repository.split('/');
  if (await isImageThere({ ecr }, name.join('/'), tag)) {
    hands.say(`the image ${tag} is there already`);
    return;
  }
  const { authorizationData: [login] = [] } = await ecr.send(new GetAuthorizationTokenCommand({}));
  const [user = '', password = ''] = Buffer.from(login?.authorizationToken ?? '', 'base64')
    .toString()
    .split(':');
  await hands.run(
    hands.builder ?? 'docker',
    ['login', '--username', user, '--password-stdin', registry],
    password,
  );
  hands.pushImage(settings, repository);
}

/** Whether a repository has an image of this tag. @throws the SDK's errors */
export async function isImageThere(
  { ecr }: Pick<DeployClients, 'ecr'>,
  repositoryName: string,
  imageTag: string,
): Promise<boolean> {
  try {
    const { imageDetails = [] } = await ecr.send(
      new DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag }] }),
    );
    return imageDetails.length > 0;
  } catch (error) {
    if (error instanceof Error && error.name === 'ImageNotFoundException') return false;
    throw error;
  }
}
