import type {
  BatchClientConfig,
  DescribeJobDefinitionsCommand,
  DescribeJobDefinitionsCommandOutput,
  DescribeJobsCommand,
  DescribeJobsCommandOutput,
  ListJobsCommand,
  ListJobsCommandOutput,
  RegisterJobDefinitionCommand,
  RegisterJobDefinitionCommandOutput,
  SubmitJobCommandOutput,
  TerminateJobCommand,
  TerminateJobCommandOutput,
} from '@aws-sdk/client-batch';
import { BatchClient, SubmitJobCommand } from '@aws-sdk/client-batch';
import type { BatchPort } from '../aws/ports.ts';

type IdempotentCommand =
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

/**
 * Batch with the SDK's own retries, but for SubmitJob: that has no client token, so a retry after a lost answer would be a
 * second job. Whoever submits decides what to do about an error.
 */
export class SubmitOnce implements BatchPort {
  readonly #often: BatchClient;
  readonly #once: BatchClient;

  constructor(config: BatchClientConfig & { maxAttempts: number }) {
    this.#often = new BatchClient(config);
    this.#once = new BatchClient({ ...config, maxAttempts: 1 });
  }

  send(command: SubmitJobCommand): Promise<SubmitJobCommandOutput>;
  send(command: DescribeJobsCommand): Promise<DescribeJobsCommandOutput>;
  send(command: ListJobsCommand): Promise<ListJobsCommandOutput>;
  send(command: TerminateJobCommand): Promise<TerminateJobCommandOutput>;
  send(command: RegisterJobDefinitionCommand): Promise<RegisterJobDefinitionCommandOutput>;
  send(command: DescribeJobDefinitionsCommand): Promise<DescribeJobDefinitionsCommandOutput>;
  async send(
    command: SubmitJobCommand | IdempotentCommand,
  ): Promise<Partial<BatchOutput> & Pick<BatchOutput, '$metadata'>> {
    if (command instanceof SubmitJobCommand) return this.#once.send(command);
    const port: BatchPort = this.#often;
    return Reflect.apply(port.send, port, [command]);
  }
}
