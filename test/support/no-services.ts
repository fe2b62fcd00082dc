import type { BatchPort, StatesPort } from '../../aws/ports.ts';

const refuse = (service: string) => (): Promise<never> =>
  Promise.reject(new Error(`this test has no ${service}`));
const batch = refuse('Batch');
const states = refuse('Step Functions');

/** For tests that need a server and not these services. */
export const noBatch: BatchPort = {
  submitJob: batch,
  describeJobs: batch,
  listJobs: batch,
  terminateJob: batch,
  registerJobDefinition: batch,
  describeJobDefinitions: batch,
};
export const noStates: StatesPort = {
  startExecution: states,
  describeExecution: states,
  stopExecution: states,
  sendTaskSuccess: states,
};
