import type { IncomingMessage, ServerResponse } from 'node:http';
import type {
  DescribeExecutionCommandInput,
  SendTaskSuccessCommandInput,
  StartExecutionCommandInput,
  StopExecutionCommandInput,
} from '@aws-sdk/client-sfn';
import {
  DescribeExecutionCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { StatesPort } from '../../aws/ports.ts';
import { errorOf, readJson, reply } from './reply.ts';

const JSON_1_0 = 'application/x-amz-json-1.0';

/** Step Functions' AWS JSON 1.0 protocol for the calls that other processes make. */
export async function answerStates(
  states: StatesPort,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = String(request.headers['x-amz-target'] ?? '');
  const call = CALLS[target.replace(/^AWSStepFunctions\./, '')];
  if (call === undefined) {
    reply(
      response,
      400,
      JSON_1_0,
      JSON.stringify({
        __type: 'UnknownOperationException',
        message: `the local Step Functions does not answer ${target}`,
      }),
    );
    return;
  }
  try {
    const output = await call(states, await readJson(request));
    reply(response, 200, JSON_1_0, JSON.stringify({ ...output, $metadata: undefined }, secondsForDates));
  } catch (error) {
    const { status, name, message } = errorOf(error);
    reply(response, status, JSON_1_0, JSON.stringify({ __type: name, message }));
  }
}

type Call = (states: StatesPort, input: unknown) => Promise<object>;

// As for Batch: the SDK serialised these very types on the other side.
const CALLS: Readonly<Record<string, Call>> = {
  StartExecution: (states, input) =>
    states.send(new StartExecutionCommand(input as StartExecutionCommandInput)),
  DescribeExecution: (states, input) =>
    states.send(new DescribeExecutionCommand(input as DescribeExecutionCommandInput)),
  SendTaskSuccess: (states, input) =>
    states.send(new SendTaskSuccessCommand(input as SendTaskSuccessCommandInput)),
  StopExecution: (states, input) => states.send(new StopExecutionCommand(input as StopExecutionCommandInput)),
};

/** AWS JSON sends times as seconds since the epoch; JSON.stringify has made text of the Date before it asks. */
function secondsForDates(this: unknown, key: string, value: unknown): unknown {
  const original: unknown = typeof this === 'object' && this !== null ? Reflect.get(this, key) : undefined;
  return original instanceof Date ? original.getTime() / 1000 : value;
}
