import type {
  DescribeExecutionCommandOutput,
  SendTaskSuccessCommandOutput,
  StartExecutionCommandOutput,
  StopExecutionCommandOutput,
} from '@aws-sdk/client-sfn';
import {
  DescribeExecutionCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { StatesPort } from '../../../aws/ports.ts';
import type { LocalStates } from './states.ts';

type StatesCommand =
  | StartExecutionCommand
  | DescribeExecutionCommand
  | StopExecutionCommand
  | SendTaskSuccessCommand;
type StatesOutput = StartExecutionCommandOutput &
  DescribeExecutionCommandOutput &
  StopExecutionCommandOutput &
  SendTaskSuccessCommandOutput;

/** The client that handlers get in the local system: the SDK's own commands, answered in this process. */
export class StatesInProcess implements StatesPort {
  readonly #states: LocalStates;

  constructor(states: LocalStates) {
    this.#states = states;
  }

  send(command: StartExecutionCommand): Promise<StartExecutionCommandOutput>;
  send(command: DescribeExecutionCommand): Promise<DescribeExecutionCommandOutput>;
  send(command: StopExecutionCommand): Promise<StopExecutionCommandOutput>;
  send(command: SendTaskSuccessCommand): Promise<SendTaskSuccessCommandOutput>;
  async send(command: StatesCommand): Promise<Partial<StatesOutput> & Pick<StatesOutput, '$metadata'>> {
    if (command instanceof StartExecutionCommand) return this.#states.startExecution(command.input);
    if (command instanceof DescribeExecutionCommand) return this.#states.describeExecution(command.input);
    if (command instanceof StopExecutionCommand) return this.#states.stopExecution(command.input);
    if (command instanceof SendTaskSuccessCommand) return this.#states.sendTaskSuccess(command.input);
    throw new TypeError(`the local Step Functions does not know ${Object(command).constructor.name}`);
  }
}
