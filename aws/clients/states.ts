import type { SFNClient } from '@aws-sdk/client-sfn';
import {
  DescribeExecutionCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { StatesPort } from '../ports.ts';

export const statesPort = (client: SFNClient): StatesPort => ({
  startExecution: (input) => client.send(new StartExecutionCommand(input)),
  describeExecution: (input) => client.send(new DescribeExecutionCommand(input)),
  stopExecution: (input) => client.send(new StopExecutionCommand(input)),
  sendTaskSuccess: (input) => client.send(new SendTaskSuccessCommand(input)),
});
