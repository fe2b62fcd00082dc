/**
 * What this system asks of AWS: the smallest types that the real clients satisfy without a cast, and that the local
 * system's objects satisfy as well. Types only: no SDK code is loaded from here.
 */
import type {
  DescribeJobDefinitionsCommand,
  DescribeJobDefinitionsCommandOutput,
  DescribeJobsCommand,
  DescribeJobsCommandOutput,
  ListJobsCommand,
  ListJobsCommandOutput,
  RegisterJobDefinitionCommand,
  RegisterJobDefinitionCommandOutput,
  SubmitJobCommand,
  SubmitJobCommandOutput,
  TerminateJobCommand,
  TerminateJobCommandOutput,
} from '@aws-sdk/client-batch';
import type { PutEventsCommand, PutEventsCommandOutput } from '@aws-sdk/client-eventbridge';
import type {
  DeleteObjectCommand,
  DeleteObjectCommandOutput,
  GetObjectCommand,
  GetObjectCommandOutput,
  HeadObjectCommand,
  HeadObjectCommandOutput,
  ListObjectsV2Command,
  ListObjectsV2CommandOutput,
  PutObjectCommand,
  PutObjectCommandOutput,
} from '@aws-sdk/client-s3';
import type {
  DescribeExecutionCommand,
  DescribeExecutionCommandOutput,
  SendTaskSuccessCommand,
  SendTaskSuccessCommandOutput,
  StartExecutionCommand,
  StartExecutionCommandOutput,
  StopExecutionCommand,
  StopExecutionCommandOutput,
} from '@aws-sdk/client-sfn';
import type { PublishCommand, PublishCommandOutput } from '@aws-sdk/client-sns';

export interface S3Port {
  send(command: PutObjectCommand): Promise<PutObjectCommandOutput>;
  send(command: GetObjectCommand): Promise<GetObjectCommandOutput>;
  send(command: HeadObjectCommand): Promise<HeadObjectCommandOutput>;
  send(command: DeleteObjectCommand): Promise<DeleteObjectCommandOutput>;
  send(command: ListObjectsV2Command): Promise<ListObjectsV2CommandOutput>;
}

export interface BatchPort {
  send(command: SubmitJobCommand): Promise<SubmitJobCommandOutput>;
  send(command: DescribeJobsCommand): Promise<DescribeJobsCommandOutput>;
  send(command: ListJobsCommand): Promise<ListJobsCommandOutput>;
  send(command: TerminateJobCommand): Promise<TerminateJobCommandOutput>;
  send(command: RegisterJobDefinitionCommand): Promise<RegisterJobDefinitionCommandOutput>;
  send(command: DescribeJobDefinitionsCommand): Promise<DescribeJobDefinitionsCommandOutput>;
}

export interface StatesPort {
  send(command: StartExecutionCommand): Promise<StartExecutionCommandOutput>;
  send(command: DescribeExecutionCommand): Promise<DescribeExecutionCommandOutput>;
  send(command: StopExecutionCommand): Promise<StopExecutionCommandOutput>;
  send(command: SendTaskSuccessCommand): Promise<SendTaskSuccessCommandOutput>;
}

/** EventBridge. */
export interface EventsPort {
  send(command: PutEventsCommand): Promise<PutEventsCommandOutput>;
}

/** SNS, which writes to whoever subscribed to a topic. */
export interface MailPort {
  send(command: PublishCommand): Promise<PublishCommandOutput>;
}
