import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StatesPort } from '../../aws/ports.ts';
import { errorOf, inJson, perform, reply } from './reply.ts';

const JSON_1_0 = 'application/x-amz-json-1.0';

/** Step Functions' AWS JSON 1.0 protocol for the calls that other processes make. */
export async function answerStates(
  states: StatesPort,
  request: IncomingMessage,
  body: string,
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
    const output = await perform(states, call, inJson(body));
    reply(response, 200, JSON_1_0, JSON.stringify({ ...output, $metadata: undefined }, secondsForDates));
  } catch (error) {
    const { status, name, message } = errorOf(error);
    reply(response, status, JSON_1_0, JSON.stringify({ __type: name, message }));
  }
}

const CALLS: Readonly<Record<string, keyof StatesPort>> = {
  StartExecution: 'startExecution',
  DescribeExecution: 'describeExecution',
  SendTaskSuccess: 'sendTaskSuccess',
  StopExecution: 'stopExecution',
};

/** AWS JSON sends times as seconds since the epoch; JSON.stringify has made text of the Date before it asks. */
function secondsForDates(this: unknown, key: string, value: unknown): unknown {
  const original: unknown = typeof this === 'object' && this !== null ? Reflect.get(this, key) : undefined;
  return original instanceof Date ? original.getTime() / 1000 : value;
}
