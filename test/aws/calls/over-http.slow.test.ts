import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { multinodeDefinition } from '../../../local/system/deployment.ts';
import { awsVenv } from '../../../scripts/install/aws-venv.ts';
import { loopback } from '../../support/loopback.ts';
import { memoryS3 } from '../../support/memory-s3.ts';
import { invokeAndWait, MACHINE, makeMachine } from '../../support/states-machine.ts';
import { QUEUE, virtualBatch } from '../../support/virtual-batch.ts';
import { judgeCalls } from './judge-calls.ts';

const SCRIPT = fileURLToPath(new URL('./over_http.py', import.meta.url));

it("botocore's parsers read every answer and error of the loopback HTTP, and find nothing that AWS would not say", {
  timeout: 120_000,
}, async () => {
  const { batch, ended } = await batchWithAnEndedJob();
  const { port: states } = makeMachine(
    { StartAt: 'Wait', States: { Wait: invokeAndWait('nothing', { End: true }) } },
    { nothing: async () => undefined },
  );
  const { server, client } = await loopback({ s3: memoryS3('bucket'), batch, states });
  const args = [SCRIPT, server.url, 'bucket', QUEUE.arn, 'd:1', ended, MACHINE];
  const { stdout } = await promisify(execFile)(join(await awsVenv(), 'python'), args, {
    env: {
      PATH: '/usr/bin:/bin',
      AWS_ACCESS_KEY_ID: client.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: client.credentials.secretAccessKey,
    },
    timeout: 120_000,
  }).finally(() => server.close());
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.filter(({ fault }) => fault !== undefined)).toEqual([]);
  expect(await judgeCalls(lines)).toEqual([]);
  const errors = lines.map(({ operation, error }) => (error === undefined ? '' : `${operation} ${error}`));
  expect(errors.filter((each) => each !== '')).toEqual([
    'PutObject PreconditionFailed',
    'PutObject PreconditionFailed',
    'GetObject InvalidRange',
    'GetObject NoSuchKey',
    'GetObject PreconditionFailed',
    'HeadObject NotFound',
    'RegisterJobDefinition ClientException',
    'SubmitJob ClientException',
    'ListJobs ClientException',
    'StartExecution ExecutionAlreadyExists',
    'StartExecution StateMachineDoesNotExist',
    'StartExecution InvalidExecutionInput',
    'SendTaskSuccess InvalidToken',
    'SendTaskSuccess InvalidOutput',
    'DescribeExecution ExecutionDoesNotExist',
    'DescribeExecution InvalidArn',
  ]);
});

async function batchWithAnEndedJob() {
  const { clock, batch: local, nodes } = virtualBatch();
  await local.registerJobDefinition(
    multinodeDefinition('d', {
      image: 'i',
      resourceRequirements: [
        { type: 'VCPU', value: '1' },
        { type: 'MEMORY', value: '64' },
      ],
    }),
  );
  const { jobId: ended = '' } = await local.submitJob({
    jobName: 'ended',
    jobQueue: QUEUE.arn,
    jobDefinition: 'd:1',
    nodeOverrides: { numNodes: 2 },
    tags: { project: 'p' },
    retryStrategy: { attempts: 2, evaluateOnExit: [{ onExitCode: '3', action: 'RETRY' }] },
    timeout: { attemptDurationSeconds: 600 },
  });
  await clock.advance(1000);
  for (const { exit } of nodes) exit({ exitCode: 0 });
  await clock.advance(60_000);
  return { batch: local, ended };
}
