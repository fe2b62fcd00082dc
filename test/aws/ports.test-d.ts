/** Compile-time only: the real clients satisfy the ports without a cast. */
import type { BatchClient } from '@aws-sdk/client-batch';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { BatchPort, S3Port, StatesPort } from '../../aws/ports.ts';

type Satisfies<Port, Client extends Port> = Client;
export type RealClients = [
  Satisfies<S3Port, S3Client>,
  Satisfies<BatchPort, BatchClient>,
  Satisfies<StatesPort, SFNClient>,
];
