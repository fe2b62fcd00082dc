import type { BatchPort, StatesPort } from '../../aws/ports.ts';

const refuse = (service: string) => ({
  send: (): Promise<never> => Promise.reject(new Error(`this test has no ${service}`)),
});

/** For tests that need a server and not these services. */
export const noBatch: BatchPort = refuse('Batch');
export const noStates: StatesPort = refuse('Step Functions');
