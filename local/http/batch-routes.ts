import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BatchPort } from '../../aws/ports.ts';
import { errorOf, inJson, perform, reply } from './reply.ts';

/** AWS Batch's REST-JSON protocol for the calls that other processes make. The fake behind the port checks the input. */
export async function answerBatch(
  batch: BatchPort,
  request: IncomingMessage,
  body: string,
  response: ServerResponse,
): Promise<void> {
  const call = CALLS[request.url ?? ''];
  if (request.method !== 'POST' || call === undefined) {
    reply(
      response,
      404,
      'application/json',
      JSON.stringify({ message: `the local Batch does not answer ${request.url}` }),
      { 'x-amzn-errortype': 'ClientException' },
    );
    return;
  }
  try {
    const output = await perform(batch, call, inJson(body));
    reply(response, 200, 'application/json', JSON.stringify({ ...output, $metadata: undefined }));
  } catch (error) {
    const { status, name, message } = errorOf(error);
    reply(response, status, 'application/json', JSON.stringify({ message }), { 'x-amzn-errortype': name });
  }
}

const CALLS: Readonly<Record<string, keyof BatchPort>> = {
  '/v1/submitjob': 'submitJob',
  '/v1/describejobs': 'describeJobs',
  '/v1/listjobs': 'listJobs',
  '/v1/terminatejob': 'terminateJob',
  '/v1/registerjobdefinition': 'registerJobDefinition',
  '/v1/describejobdefinitions': 'describeJobDefinitions',
};
