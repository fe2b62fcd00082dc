import type { BatchClientConfig } from '@aws-sdk/client-batch';
import {
  BatchClient,
  DescribeJobDefinitionsCommand,
  DescribeJobsCommand,
  ListJobsCommand,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from '@aws-sdk/client-batch';
import type { BatchPort } from '../ports.ts';

export const batchPort = (client: BatchClient): BatchPort => ({
  submitJob: (input) => client.send(new SubmitJobCommand(input)),
  describeJobs: (input) => client.send(new DescribeJobsCommand(input)),
  listJobs: (input) => client.send(new ListJobsCommand(input)),
  terminateJob: (input) => client.send(new TerminateJobCommand(input)),
  registerJobDefinition: (input) => client.send(new RegisterJobDefinitionCommand(input)),
  describeJobDefinitions: (input) => client.send(new DescribeJobDefinitionsCommand(input)),
});

/**
 * Batch with the SDK's own retries, but for SubmitJob: that has no client token, so a retry after a lost answer would be a
 * second job. Whoever submits decides what to do about an error.
 */
export function submittingOnce(config: BatchClientConfig & { maxAttempts: number }): BatchPort {
  const once = batchPort(new BatchClient({ ...config, maxAttempts: 1 }));
  return { ...batchPort(new BatchClient(config)), submitJob: once.submitJob };
}
