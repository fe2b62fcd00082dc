import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BatchPort, StatesPort } from '../../aws/ports.ts';
import { errorOf, reply } from './reply.ts';

const BATCH: Readonly<Record<string, keyof BatchPort>> = {
  '/v1/submitjob': 'submitJob',
  '/v1/describejobs': 'describeJobs',
  '/v1/listjobs': 'listJobs',
  '/v1/terminatejob': 'terminateJob',
  '/v1/registerjobdefinition': 'registerJobDefinition',
  '/v1/describejobdefinitions': 'describeJobDefinitions',
};
const STATES: Readonly<Record<string, keyof StatesPort>> = {
  'AWSStepFunctions.StartExecution': 'startExecution',
  'AWSStepFunctions.DescribeExecution': 'describeExecution',
  'AWSStepFunctions.SendTaskSuccess': 'sendTaskSuccess',
  'AWSStepFunctions.StopExecution': 'stopExecution',
};

/** AWS Batch's REST-JSON protocol for the calls that other processes make. The fake behind the port checks the input. */
export async function answerBatch(
  batch: BatchPort,
  { url = '', method }: IncomingMessage,
  body: string,
  response: ServerResponse,
): Promise<void> {
  const name = method === 'POST' ? BATCH[url] : undefined;
  if (name !== undefined) await answer(batch, name, body, response);
  else refuse(response, 404, 'ClientException', `the local Batch does not answer ${url}`);
}

/** Step Functions' AWS JSON 1.0 protocol. */
export async function answerStates(
  states: StatesPort,
  { headers }: IncomingMessage,
  body: string,
  response: ServerResponse,
): Promise<void> {
  const target = String(headers['x-amz-target'] ?? '');
  const name = STATES[target];
  if (name !== undefined) await answer(states, name, body, response);
  else
    refuse(response, 400, 'UnknownOperationException', `the local Step Functions does not answer ${target}`);
}

/** Makes a call that came over the wire: the SDK serialised it from the port's own types, and the service judges the values. */
async function answer<Port extends object>(
  port: Port,
  name: keyof Port,
  body: string,
  response: ServerResponse,
): Promise<void> {
  try {
    const call = port[name];
    if (typeof call !== 'function') throw new TypeError(`a port has no method ${String(name)}`);
    const output = await Reflect.apply(call, port, [body === '' ? {} : JSON.parse(body)]);
    const text = JSON.stringify({ ...output, $metadata: undefined }, secondsForDates);
    reply(response, 200, 'application/json', text);
  } catch (error) {
    const { status, name, message } = errorOf(error);
    refuse(response, status, name, message);
  }
}

/** An error's name as either protocol has it: in a header, and in the body. */
export function refuse(response: ServerResponse, status: number, name: string, message: string): void {
  const body = JSON.stringify({ __type: name, message });
  reply(response, status, 'application/json', body, { 'x-amzn-errortype': name });
}

/** AWS JSON sends times as seconds since the epoch; JSON.stringify has made text of the Date before it asks. */
function secondsForDates(this: unknown, key: string, value: unknown): unknown {
  const original: unknown = typeof this === 'object' && this !== null ? Reflect.get(this, key) : undefined;
  return original instanceof Date ? original.getTime() / 1000 : value;
}
