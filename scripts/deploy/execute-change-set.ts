import type { CloudFormationClient, ResourceChange } from '@aws-sdk/client-cloudformation';
import {
  DeleteChangeSetCommand,
  ExecuteChangeSetCommand,
  paginateDescribeChangeSet,
  paginateListChangeSets,
} from '@aws-sdk/client-cloudformation';
import { findStack } from '../../cli/context/ask-account.ts';
import { feltByJobs } from './changes.ts';
import type { Hands } from './context.ts';
import { DeployFailed } from './context.ts';

const EVERY_MS = 5000;
const WITHIN_MS = 60 * 60_000;

/**
 * Executes the change set that `sam deploy --no-execute-changeset` left, unless running jobs would feel it.
 * @param abandoned change sets that were there before: of a stack that does not change sam makes none
 * @throws DeployFailed where they would, or where the update fails
 */
export async function executeCarefully(
  cloudFormation: CloudFormationClient,
  { say, sleep }: Pick<Hands, 'say' | 'sleep'>,
  StackName: string,
  abandoned: readonly string[],
): Promise<void> {
  const all = await changeSets(cloudFormation, StackName);
  const ChangeSetName = all.find((id) => !abandoned.includes(id));
  if (ChangeSetName === undefined) {
    say('nothing in the stack changes');
    return;
  }
  const changes: ResourceChange[] = [];
  for await (const page of paginateDescribeChangeSet(
    { client: cloudFormation },
    { StackName, ChangeSetName },
  ))
    for (const { ResourceChange: change } of page.Changes ?? [])
      if (change !== undefined) changes.push(change);
  const felt = feltByJobs(changes);
  if (felt.length > 0) {
    await cloudFormation.send(new DeleteChangeSetCommand({ StackName, ChangeSetName }));
    throw new DeployFailed(
      `jobs run, and this update would change what they run on: ${felt.join(', ')}. Nothing was changed. Deploy again when they have ended.`,
    );
  }
  await cloudFormation.send(new ExecuteChangeSetCommand({ StackName, ChangeSetName }));
  say(`${changes.length} changes, none of them to what jobs run on`);
  for (let waited = 0; waited < WITHIN_MS; waited += EVERY_MS) {
    await sleep(EVERY_MS);
    const status = (await findStack(cloudFormation, StackName))?.status ?? 'gone';
    if (/^(UPDATE|CREATE)_COMPLETE$/.test(status)) return;
    if (!status.endsWith('_IN_PROGRESS'))
      throw new DeployFailed(`the update of ${StackName} ended as ${status}`);
  }
  throw new DeployFailed(`the update of ${StackName} has not ended within an hour; it goes on by itself`);
}

/** Ids of sam's change sets that nobody executed, the newest first. */
export async function changeSets(client: CloudFormationClient, StackName: string): Promise<string[]> {
  const found: { id: string; at: number }[] = [];
  for await (const page of paginateListChangeSets({ client }, { StackName }))
    for (const { ChangeSetId: id, ChangeSetName = '', Status, CreationTime } of page.Summaries ?? []) {
      if (id === undefined || Status !== 'CREATE_COMPLETE' || !ChangeSetName.startsWith('samcli-deploy'))
        continue;
      found.push({ id, at: CreationTime?.getTime() ?? 0 });
    }
  return found.toSorted((one, other) => other.at - one.at).map(({ id }) => id);
}
