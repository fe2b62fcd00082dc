import type {
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidToken,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { nameOf } from '../../aws/errors.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import { sameSource } from '../../experiment/records/control.ts';
import { executionArn, renderExecutionInput, sourceOfExecution } from '../../experiment/run/execution.ts';
import type { RunView } from '../../experiment/run/next-step.ts';
import { RunIdCollision } from '../../experiment/util/errors.ts';
import type { FunctionDeps } from '../deps.ts';

type StatesError =
  | ExecutionAlreadyExists
  | ExecutionDoesNotExist
  | InvalidToken
  | TaskDoesNotExist
  | TaskTimedOut;

/** What Step Functions says of a token that nobody waits for. */
const DEAD = ['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'] as const;

type StatesDeps = Pick<FunctionDeps, 'states' | 'deployment' | 'logger'>;

/**
 * Starts the execution of a run, whose name is the run's: starting it twice is starting it once. A name that is taken by
 * an execution for another source means that two manifests got one id.
 * @throws RunIdCollision
 */
export async function startExecution(deps: StatesDeps, plan: Plan): Promise<void> {
  try {
    await deps.states.startExecution({
      stateMachineArn: deps.deployment.stateMachineArn,
      name: plan.runId,
      input: renderExecutionInput(plan),
    });
  } catch (error) {
    if (!isNamed(error, 'ExecutionAlreadyExists')) throw error;
    const standing = await describe(deps, plan.runId);
    const source = sourceOfExecution(standing?.input);
    if (source === undefined || !sameSource(source, plan.source))
      throw new RunIdCollision(
        `the execution ${plan.runId} exists for ${source === undefined ? 'something else' : `s3://${source.bucket}/${source.key}`}: drop the manifest again under another key`,
      );
  }
  deps.logger.info('Execution:Started', { runId: plan.runId });
}

/** How the run's execution is; undefined when there is none (any more). */
export async function observeExecution(deps: StatesDeps, runId: string): Promise<RunView['execution']> {
  const execution = await describe(deps, runId);
  switch (execution?.status) {
    case undefined:
      return undefined;
    case 'SUCCEEDED':
    case 'FAILED':
    case 'TIMED_OUT':
    case 'ABORTED':
      return { status: execution.status, cause: execution.cause };
    default:
      return { status: 'RUNNING' };
  }
}

/** Lets the waiting state go on. A token that is dead (timed out, replaced, used) does no harm. */
export async function completeToken(
  deps: StatesDeps,
  runId: string,
  token: string,
  jobId: string | undefined,
) {
  try {
    await deps.states.sendTaskSuccess({
      taskToken: token,
      output: JSON.stringify({ jobId: jobId ?? null }),
    });
    deps.logger.info('Token:Completed', { runId });
  } catch (error) {
    if (!DEAD.some((name) => isNamed(error, name))) throw error;
    deps.logger.info('Token:Dead', { runId, error: nameOf(error) });
  }
}

async function describe({ states, deployment }: Pick<StatesDeps, 'states' | 'deployment'>, runId: string) {
  try {
    return await states.describeExecution({
      executionArn: executionArn(deployment.stateMachineArn, runId),
    });
  } catch (error) {
    if (isNamed(error, 'ExecutionDoesNotExist')) return undefined;
    throw error;
  }
}

/** By a literal name: an error may come from another copy of the SDK, and bundling changes the names of classes. */
function isNamed(error: unknown, name: StatesError['name']): boolean {
  return nameOf(error) === name;
}
