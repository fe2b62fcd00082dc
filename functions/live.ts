import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { Clock } from '../experiment/clock.ts';
import { readDeployment } from './deployment-environment.ts';
import type { FunctionDeps } from './function-deps.ts';
import { SubmitOnce } from './submit-once.ts';

/** The SDK's own tries, of calls that may be made twice. */
const MAX_ATTEMPTS = 4;

/**
 * What the functions work with on AWS: the only place that reads their environment and makes clients.
 * @throws BadEnvironment with every fault of the environment at once
 */
export function live(serviceName: string): FunctionDeps {
  const deployment = readDeployment(process.env);
  const client = { maxAttempts: MAX_ATTEMPTS };
  const logger = new Logger({ serviceName });
  const metrics = new Metrics({ namespace: 'sierra-batch', serviceName });
  return {
    s3: new S3Client(client),
    batch: new SubmitOnce(client),
    states: new SFNClient(client),
    clock: systemClock,
    nonce: () => randomBytes(16).toString('hex'),
    deployment,
    logger,
    metrics: {
      count: (event) => metrics.addMetric(event, MetricUnit.Count, 1),
      flush: () => metrics.publishStoredMetrics(),
    },
  };
}

const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
};
