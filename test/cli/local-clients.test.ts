import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { findTarget } from '../../cli/context/find-target.ts';
import { localClients } from '../../cli/context/live.ts';
import { parseLocalEndpoint, renderLocalEndpoint } from '../../experiment/deployment/local-endpoint.ts';
import { folderOfItsOwn } from './context.ts';

const ENDPOINT = {
  AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9/s3',
  AWS_ENDPOINT_URL_SFN: 'http://127.0.0.1:9/sfn',
  AWS_ENDPOINT_URL_BATCH: 'http://127.0.0.1:9/batch',
  AWS_REGION: 'local',
  AWS_ACCESS_KEY_ID: 'own-key',
  AWS_SECRET_ACCESS_KEY: 'own',
};

const DEPLOYMENT = {
  bucket: 'runs',
  stateMachineArn: 'arn',
  jobDefinition: 'definition',
  queues: {},
  defaultQueue: 'default',
  inputBuckets: [],
  defaults: { vcpus: 1, memoryMiB: 1 },
  sharedFolder: '/shared',
  joinPort: 1,
  sshPort: 2,
};

test('clients of a local system go there with its key, whatever the user has set, and leave that alone', async () => {
  const { url, requests } = await startListening();
  const users = {
    AWS_PROFILE: 'lab',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'users-key',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'token',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9',
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
    AWS_USE_FIPS_ENDPOINT: 'true',
    AWS_USE_DUALSTACK_ENDPOINT: 'true',
  };
  for (const [name, value] of Object.entries(users)) vi.stubEnv(name, value);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const before = { ...process.env };
  const { s3, states, batch } = localClients({
    endpoint: {
      ...ENDPOINT,
      AWS_ENDPOINT_URL_S3: `${url}/s3`,
      AWS_ENDPOINT_URL_SFN: `${url}/sfn`,
      AWS_ENDPOINT_URL_BATCH: `${url}/batch`,
    },
  });
  await (await s3()).listObjectsV2({ Bucket: 'runs' });
  await (await states()).describeExecution({ executionArn: 'arn' });
  await (await batch()).describeJobs({ jobs: ['a'] });
  const signed = (service: string) => expect.stringMatching(`Credential=own-key/\\d+/local/${service}/`);
  expect(requests).toEqual([
    { path: '/s3/runs/?list-type=2', authorization: signed('s3'), token: undefined },
    { path: '/sfn/', authorization: signed('states'), token: undefined },
    { path: '/batch/v1/describejobs', authorization: signed('batch'), token: undefined },
  ]);
  expect(process.env).toEqual(before);
});

test('a local system that was killed is not up, though its process’s number is another’s by now', async () => {
  const folder = folderOfItsOwn();
  mkdirSync(join(folder, '.sierra-batch/bucket'), { recursive: true });
  const { url } = await startListening();
  const left = async (at: string) => {
    const endpoint = { ...ENDPOINT, AWS_ENDPOINT_URL_S3: at };
    const record = { version: 1 as const, pid: process.pid, endpoint, deployment: DEPLOYMENT };
    writeFileSync(join(folder, '.sierra-batch/local.json'), renderLocalEndpoint(record));
    return (await findTarget(folder, {})).live !== undefined;
  };
  expect(await left(ENDPOINT.AWS_ENDPOINT_URL_S3)).toBe(false);
  expect(await left(url)).toBe(true);
});

test('a file that leaves out where, or as whom, is of no local system: the SDK would ask AWS instead', () => {
  const record = { version: 1 as const, pid: 7, endpoint: ENDPOINT, deployment: DEPLOYMENT };
  const text = renderLocalEndpoint(record);
  expect(parseLocalEndpoint(text)).toEqual(record);
  for (const name of Object.keys(ENDPOINT))
    expect(parseLocalEndpoint(text.replace(`"${name}"`, '"OTHER"')), name).toBeUndefined();
});

/** Answers everything with nothing. */
async function startListening() {
  const requests: object[] = [];
  const server = createServer(({ url, headers }, response) => {
    requests.push({
      path: url,
      authorization: headers.authorization,
      token: headers['x-amz-security-token'],
    });
    response.end(url?.startsWith('/s3') ? '<ListBucketResult/>' : '{}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    requests,
  };
}
