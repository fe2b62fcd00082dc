import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { loopback } from '../../../test/support/loopback.ts';
import { samArguments } from '../../deploy/apply.ts';
import type { Finding } from '../template/finding.ts';
import { REGIONS, runTool } from './run-tool.ts';

const STACK = 'sierra-batch';
const REACHED = 'the change set was asked for';

/**
 * What `sam deploy` does before CloudFormation judges anything, with the very arguments of `npm run deploy`: it resolves the
 * template, uploads the bundles in `dist/` to an S3 in this process, and asks for a change set with the parameters.
 * @param bin has sam @param home an empty folder
 */
export async function samDeploy(
  bin: string,
  template: string,
  home: string,
  parameters: Readonly<Record<string, string>>,
): Promise<Finding[]> {
  const asked: Record<string, string>[] = [];
  const [{ server, client }, formation] = await Promise.all([loopback({}), fakeCloudFormation(asked)]);
  const options = { stack: STACK, parameters, profile: undefined };
  try {
    const { code, stdout, stderr } = await runTool(
      join(bin, 'sam'),
      samArguments(options, REGIONS[0] ?? '', TAG, false),
      {
        cwd: dirname(template),
        env: {
          HOME: home,
          AWS_ENDPOINT_URL_S3: server.url,
          AWS_ENDPOINT_URL_CLOUDFORMATION: formation.url,
          AWS_ACCESS_KEY_ID: client.credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: client.credentials.secretAccessKey,
        },
      },
    );
    const [changeSet] = asked;
    const said = `${stdout}${stderr}`.trim().split('\n').slice(-3).join(' ');
    if (changeSet === undefined || !said.includes(REACHED))
      return [{ code: 'sam deploy', where: template, message: said || `exit ${code}` }];
    return Object.entries({ ...parameters, ImageTag: TAG })
      .filter(([name, value]) => changeSet[name] !== value)
      .map(([name, value]) => ({
        code: 'sam deploy',
        where: name,
        message: `${value} arrives at CloudFormation as ${changeSet[name]}`,
      }));
  } finally {
    await Promise.all([server.close(), formation.close()]);
  }
}

const TAG = 'content-0123';

/** Knows sam's own bucket, no stack of ours, and refuses a change set once it has its parameters. */
async function fakeCloudFormation(asked: Record<string, string>[]) {
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(await text(request));
    const action = form.get('Action');
    const send = (status: number, body: string) =>
      response.writeHead(status, { 'content-type': 'text/xml' }).end(body);
    if (action === 'DescribeStacks' && form.get('StackName') === 'aws-sam-cli-managed-default')
      return send(200, SAMS_OWN);
    if (action === 'CreateChangeSet') asked.push(parametersOf(form));
    const why =
      action === 'CreateChangeSet' ? REACHED : `Stack with id ${form.get('StackName')} does not exist`;
    return send(
      400,
      `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>${why}</Message></Error></ErrorResponse>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const close = () => new Promise((resolve) => server.close(resolve));
  return { url: `http://127.0.0.1:${port}`, close };
}

function parametersOf(form: URLSearchParams): Record<string, string> {
  const members = [...form].filter(([key]) => /^Parameters\.member\.\d+\.ParameterKey$/.test(key));
  return Object.fromEntries(
    members.map(([key, name]) => [name, form.get(key.replace(/Key$/, 'Value')) ?? '']),
  );
}

const SAMS_OWN = `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>aws-sam-cli-managed-default</StackName>
<StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime>
<Tags><member><Key>ManagedStackSource</Key><Value>AwsSamCli</Value></member></Tags>
<Outputs><member><OutputKey>SourceBucket</OutputKey><OutputValue>b</OutputValue></member>
<member><OutputKey>SourceBucketVersion</OutputKey><OutputValue>v1</OutputValue></member></Outputs>
</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
