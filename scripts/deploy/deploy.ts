import { ImageFailed } from '../image/build.ts';
import type { Account } from './apply.ts';
import { deploy } from './apply.ts';
import type { DeployOptions } from './arguments.ts';
import type { Hands } from './context.ts';
import { DeployFailed } from './context.ts';
import type { Machine } from './plan-deployment.ts';
import { judge, settingsOf } from './plan-deployment.ts';
import { NotLoggedIn, survey, textOf } from './read-account.ts';

export interface Deployment {
  options: DeployOptions;
  /** The template's parameters with their defaults. */
  defaults: Readonly<Record<string, string>>;
  machine: Machine;
  hands: Hands;
  /** @throws NotLoggedIn */
  connect(): Promise<Account>;
  complain(line: string): void;
}

/** Looks, judges, deploys. Answers the exit code: 1 refused or failed, 2 this account or machine cannot do it. */
export async function runDeployment(deployment: Deployment): Promise<0 | 1 | 2> {
  const { options, machine, hands, complain } = deployment;
  try {
    const { clients, region } = await deployment.connect();
    const looked = await survey(
      clients,
      options.stack,
      (stack) => settingsOf(stack, options, deployment.defaults).types,
    );
    const { nodeType } = settingsOf(looked.stack, options, deployment.defaults);
    const found = { ...looked, nodePrice: await hands.priceOf(nodeType, region) };
    hands.say(
      `account ${found.account} (${found.caller}), region ${region}, stack ${options.stack}: ${found.stack?.status ?? 'not there yet'}`,
    );
    const { faults, refusals, warnings, settings } = judge(found, machine, options, deployment.defaults);
    for (const warning of warnings) complain(`warning: ${warning}`);
    for (const line of [...faults, ...refusals]) complain(line);
    if (faults.length > 0) return 2;
    if (refusals.length > 0) return 1;
    if (options.checkOnly) {
      hands.say('nothing stands against a deployment');
      return 0;
    }
    const { outputs } = await deploy({ clients, region }, hands, { options, settings }, found);
    hands.say(`deployed. Drop manifests: aws s3 cp sweep.yaml s3://${outputs.BucketName}/manifests/`);
    return 0;
  } catch (error) {
    if (error instanceof NotLoggedIn) {
      const { faults, warnings } = judge(undefined, machine, options, deployment.defaults);
      for (const warning of warnings) complain(`warning: ${warning}`);
      for (const fault of faults) complain(fault);
    }
    complain(textOfFailure(error));
    return error instanceof NotLoggedIn ? 2 : 1;
  }
}

function textOfFailure(error: unknown): string {
  if (error instanceof NotLoggedIn || error instanceof DeployFailed || error instanceof ImageFailed)
    return error.message;
  if (error instanceof Error && /AccessDenied|UnauthorizedOperation/.test(error.name))
    return `You may not do this: ${error.message}`;
  return textOf(error);
}
