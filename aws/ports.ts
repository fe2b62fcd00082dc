/**
 * What this system asks of AWS, a method a call, typed by the SDK: `clients/` makes a port of a real client, and the
 * services of the local system are ports themselves. A port's methods are its own bound properties, so that `{ ...port,
 * listJobs }` is a port as well. Types only: no SDK code is loaded from here.
 */
import type { Batch } from '@aws-sdk/client-batch';
import type { EventBridge } from '@aws-sdk/client-eventbridge';
import type { PutObjectCommandInput, S3 } from '@aws-sdk/client-s3';
import type { SFN } from '@aws-sdk/client-sfn';
import type { SNS } from '@aws-sdk/client-sns';

/** The call alone of the SDK's overloads, the last of which takes a callback and names input and output. */
type Call<Method> = Method extends (
  input: infer Input,
  options: infer _Options,
  done: (error: infer _Error, output?: infer Output) => void,
) => void
  ? (input: Input) => Promise<NonNullable<Output>>
  : never;

type Port<Client, Names extends keyof Client> = { readonly [Name in Names]: Call<Client[Name]> };

export type S3Port = Port<
  S3,
  'putObject' | 'getObject' | 'headObject' | 'deleteObject' | 'listObjectsV2' | 'listObjectVersions'
>;

/** The same as `putObject`, of more bytes than S3 takes at once: of the runner's port, which alone sends such an object. */
export interface LargeObjects {
  readonly putLargeObject?: (input: PutObjectCommandInput) => Promise<unknown>;
}

export type BatchPort = Port<
  Batch,
  | 'submitJob'
  | 'describeJobs'
  | 'listJobs'
  | 'terminateJob'
  | 'registerJobDefinition'
  | 'describeJobDefinitions'
>;

export type StatesPort = Port<
  SFN,
  'startExecution' | 'describeExecution' | 'stopExecution' | 'sendTaskSuccess'
>;

/** EventBridge. */
export type EventsPort = Port<EventBridge, 'putEvents'>;

/** SNS, which writes to whoever subscribed to a topic. */
export type MailPort = Port<SNS, 'publish'>;
