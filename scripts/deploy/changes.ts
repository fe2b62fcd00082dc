import type { ResourceChange } from '@aws-sdk/client-cloudformation';

/** What running jobs stand on: to change it may end or cripple them. */
const UNDER_JOBS =
  /^AWS::(Batch::ComputeEnvironment|Batch::SchedulingPolicy|EC2::|EFS::|IAM::InstanceProfile)/;
/** What running jobs use: a change is no harm, another one in its place or none is. */
const USED_BY_JOBS = /^AWS::(Batch::JobQueue|IAM::|S3::Bucket$|Logs::LogGroup|ECR::Repository)/;

/**
 * Changes of a stack that running jobs would feel. Pure. A job definition may change: the revision that they are pinned to
 * stays registered (`SkipDeregisterOnUpdate`).
 */
export function feltByJobs(changes: readonly ResourceChange[]): string[] {
  return changes.flatMap(({ Action, LogicalResourceId = '', ResourceType = '', Replacement }) => {
    const goes = Action === 'Remove' || Replacement === 'True' || Replacement === 'Conditional';
    const isNew = Action === 'Add';
    const felt = (UNDER_JOBS.test(ResourceType) && !isNew) || (USED_BY_JOBS.test(ResourceType) && goes);
    return felt ? [`${LogicalResourceId} (${ResourceType}, ${Action})`] : [];
  });
}

/** A parameter as the SAM command line reads it: it splits at blanks outside of double quotes. */
export function samParameter([name, value]: readonly [name: string, value: string]): string {
  return /^[^\s"\\]+$/.test(value) ? `${name}=${value}` : `${name}="${value.replaceAll(/["\\]/g, '\\$&')}"`;
}
