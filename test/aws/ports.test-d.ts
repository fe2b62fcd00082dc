/** Compile-time only: the ports are the SDK's own calls, and the local services are ports whose spread is one too. */
import type { Batch, BatchClient } from '@aws-sdk/client-batch';
import type { S3, S3Client } from '@aws-sdk/client-s3';
import type { SFN, SFNClient } from '@aws-sdk/client-sfn';
import type { BatchPort, S3Port, StatesPort } from '../../aws/ports.ts';
import type { LocalBatch } from '../../local/aws/batch/batch.ts';
import type { LocalS3 } from '../../local/aws/s3/s3.ts';
import type { LocalStates } from '../../local/aws/states/states.ts';

type Satisfies<Port, Service extends Port> = Service;
export type RealClients = [
  Satisfies<S3Port, S3 & S3Client>,
  Satisfies<BatchPort, Batch & BatchClient>,
  Satisfies<StatesPort, SFN & SFNClient>,
];

export const spread = (
  s3: LocalS3,
  batch: LocalBatch,
  states: LocalStates,
): [S3Port, BatchPort, StatesPort] => [{ ...s3 }, { ...batch }, { ...states }];
