import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { submittingOnce } from '../aws/clients/batch.ts';
import { eventsPort, mailPort } from '../aws/clients/notify.ts';
import { s3Port } from '../aws/clients/s3.ts';
import { statesPort } from '../aws/clients/states.ts';
import type { Clock } from '../experiment/util/clock.ts';
import { readDeployment } from './deployment-environment.ts';
import type { FunctionDeps } from './deps.ts';

/** The SDK's own tries, of calls that may be made twice. */
const MAX_ATTEMPTS = 4;

/** Milliseconds: a connection that hangs is given up while the function still has time to try again. */
const PATIENCE = { connectionTimeout: 3000, socketTimeout: 15_000 };

/**
 * What the functions work with on AWS: the only place that reads their environment and makes clients.
 * @throws BadEnvironment with every fault of the environment at once
 */
export function live(serviceName: string): FunctionDeps {
  const deployment = readDeployment(process.env);
  const client = { maxAttempts: MAX_ATTEMPTS, requestHandler: PATIENCE };
  const logger = new Logger({ serviceName });
  // One dimension for the whole deployment, so that an alarm can name it: its state machine's name.
  const metrics = new Metrics({
    namespace: 'sierra-batch',
    serviceName: deployment.stateMachineArn.split(':').at(-1) ?? serviceName,
  });
  return {
    // Only tests give an endpoint: one that has no wildcard DNS, so that buckets go in the path.
    s3: s3Port(new S3Client({ ...client, forcePathStyle: process.env.AWS_ENDPOINT_URL_S3 !== undefined })),
    batch: submittingOnce(client),
    states: statesPort(new SFNClient(client)),
    events: eventsPort(new EventBridgeClient(client)),
    mail: mailPort(new SNSClient(client)),
    clock: systemClock,
    nonce: () => randomBytes(16).toString('hex'),
    deployment,
    logger,
    metrics: {
      count: (event) => metrics.addMetric(event, MetricUnit.Count, 1),
      measure: (figure, value) =>
        metrics.addMetric(figure, /Seconds$/.test(figure) ? MetricUnit.Seconds : MetricUnit.NoUnit, value),
      // Powertools warns of nothing to publish, which is what most calls of settle have.
      flush: () => {
        if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
      },
    },
  };
}

const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
};
