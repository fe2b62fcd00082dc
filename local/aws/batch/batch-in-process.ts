import type {
  DescribeJobDefinitionsCommandOutput,
  DescribeJobsCommandOutput,
  ListJobsCommandOutput,
  RegisterJobDefinitionCommandOutput,
  SubmitJobCommandOutput,
  TerminateJobCommandOutput,
} from '@aws-sdk/client-batch';
import {
  DescribeJobDefinitionsCommand,
  DescribeJobsCommand,
  ListJobsCommand,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from '@aws-sdk/client-batch';
import type { BatchPort } from '../../../aws/ports.ts';
import type { LocalBatch } from './batch.ts';

type BatchCommand =
  | SubmitJobCommand
  | DescribeJobsCommand
  | ListJobsCommand
  | TerminateJobCommand
  | RegisterJobDefinitionCommand
  | DescribeJobDefinitionsCommand;
type BatchOutput = SubmitJobCommandOutput &
  DescribeJobsCommandOutput &
  ListJobsCommandOutput &
  TerminateJobCommandOutput &
  RegisterJobDefinitionCommandOutput &
  DescribeJobDefinitionsCommandOutput;

/** The client that handlers get in the local system: the SDK's own commands, answered in this process. */
export class BatchInProcess implements BatchPort {
  readonly #batch: LocalBatch;

  constructor(batch: LocalBatch) {
    this.#batch = batch;
  }

  send(command: SubmitJobCommand): Promise<SubmitJobCommandOutput>;
  send(command: DescribeJobsCommand): Promise<DescribeJobsCommandOutput>;
  send(command: ListJobsCommand): Promise<ListJobsCommandOutput>;
  send(command: TerminateJobCommand): Promise<TerminateJobCommandOutput>;
  send(command: RegisterJobDefinitionCommand): Promise<RegisterJobDefinitionCommandOutput>;
  send(command: DescribeJobDefinitionsCommand): Promise<DescribeJobDefinitionsCommandOutput>;
  async send(command: BatchCommand): Promise<Partial<BatchOutput> & Pick<BatchOutput, '$metadata'>> {
    if (command instanceof SubmitJobCommand) return this.#batch.submitJob(command.input);
    if (command instanceof DescribeJobsCommand) return this.#batch.describeJobs(command.input);
    if (command instanceof ListJobsCommand) return this.#batch.listJobs(command.input);
    if (command instanceof TerminateJobCommand) return this.#batch.terminateJob(command.input);
    if (command instanceof RegisterJobDefinitionCommand)
      return this.#batch.registerJobDefinition(command.input);
    if (command instanceof DescribeJobDefinitionsCommand)
      return this.#batch.describeJobDefinitions(command.input);
    throw new TypeError(`the local Batch does not know ${Object(command).constructor.name}`);
  }
}
