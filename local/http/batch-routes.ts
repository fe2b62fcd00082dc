import type { IncomingMessage, ServerResponse } from 'node:http';
import type {
  DescribeJobDefinitionsCommandInput,
  DescribeJobsCommandInput,
  ListJobsCommandInput,
  RegisterJobDefinitionCommandInput,
  SubmitJobCommandInput,
  TerminateJobCommandInput,
} from '@aws-sdk/client-batch';
import {
  DescribeJobDefinitionsCommand,
  DescribeJobsCommand,
  ListJobsCommand,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from '@aws-sdk/client-batch';
import type { BatchPort } from '../../aws/ports.ts';
import { errorOf, readJson, reply } from './reply.ts';

/** AWS Batch's REST-JSON protocol for the calls that other processes make. The fake behind the port checks the input. */
export async function answerBatch(
  batch: BatchPort,
  request: IncomingMessage,
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
    const output = await call(batch, await readJson(request));
    reply(response, 200, 'application/json', JSON.stringify({ ...output, $metadata: undefined }));
  } catch (error) {
    const { status, name, message } = errorOf(error);
    reply(response, status, 'application/json', JSON.stringify({ message }), { 'x-amzn-errortype': name });
  }
}

type Call = (batch: BatchPort, input: unknown) => Promise<object>;

// The wire carries what the SDK serialised from these very types; the service judges the values.
const CALLS: Readonly<Record<string, Call>> = {
  '/v1/submitjob': (batch, input) => batch.send(new SubmitJobCommand(input as SubmitJobCommandInput)),
  '/v1/describejobs': (batch, input) =>
    batch.send(new DescribeJobsCommand(input as DescribeJobsCommandInput)),
  '/v1/listjobs': (batch, input) => batch.send(new ListJobsCommand(input as ListJobsCommandInput)),
  '/v1/terminatejob': (batch, input) =>
    batch.send(new TerminateJobCommand(input as TerminateJobCommandInput)),
  '/v1/registerjobdefinition': (batch, input) =>
    batch.send(new RegisterJobDefinitionCommand(input as RegisterJobDefinitionCommandInput)),
  '/v1/describejobdefinitions': (batch, input) =>
    batch.send(new DescribeJobDefinitionsCommand(input as DescribeJobDefinitionsCommandInput)),
};
