import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FUNCTIONS } from '../../../scripts/build/bundle.ts';
import { runLinters } from '../../../scripts/check-aws/linters.ts';
import { awsVenv } from '../../../scripts/install/aws-venv.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const DEPLOYED = ['template.yaml', 'samconfig.toml', 'statemachine/experiment.asl.json'];

let bin = '';
const folders: string[] = [];
beforeAll(async () => {
  bin = await awsVenv();
});
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** Lints a copy of what is deployed in which one text stands for another. */
async function lintWith(
  tools: Parameters<typeof runLinters>[1],
  file: string,
  text: string,
  instead: string,
): Promise<string[]> {
  const folder = await copy();
  const path = join(folder, file);
  const before = await readFile(path, 'utf8');
  expect(before).toContain(text);
  await writeFile(path, before.replace(text, instead));
  return lint(folder, tools);
}

async function copy(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sierra-batch-lint-'));
  folders.push(folder);
  await mkdir(join(folder, 'statemachine'));
  for (const name of FUNCTIONS) {
    await mkdir(join(folder, 'dist/functions', name), { recursive: true });
    await writeFile(join(folder, 'dist/functions', name, 'index.mjs'), 'export const handler = 1;\n');
  }
  await Promise.all(DEPLOYED.map((file) => cp(join(REPOSITORY, file), join(folder, file))));
  return folder;
}

async function lint(folder: string, tools?: Parameters<typeof runLinters>[1]): Promise<string[]> {
  const [template, definition] = [DEPLOYED[0], DEPLOYED[2]].map((file) => join(folder, file ?? ''));
  const found = await runLinters({ template: template ?? '', definition: definition ?? '', bin }, tools);
  return found.map(({ code, where, message }) => `${code} at ${where}: ${message}`);
}

describe("AWS's own tools", () => {
  it('find nothing in what is deployed, with a stale build of something else beside it', async () => {
    const folder = await copy();
    await mkdir(join(folder, '.aws-sam/build'), { recursive: true });
    await writeFile(
      join(folder, '.aws-sam/build/template.yaml'),
      'Resources: {Old: {Type: AWS::No::Such}}\n',
    );
    await writeFile(join(folder, '.aws-sam/build.toml'), '[function_build_definitions]\n');
    expect(await lint(folder)).toEqual([]);
  });

  const TEMPLATE = 'template.yaml';
  const TOOLS = ['cfn-lint', 'sam validate', 'parliament', 'sam deploy'] as const;
  it.each([
    [
      'a value that does not exist',
      'cfn-lint',
      TEMPLATE,
      'ThroughputMode: elastic',
      'ThroughputMode: rubber',
    ],
    [
      'an attribute that does not exist',
      'cfn-lint',
      TEMPLATE,
      'MountTarget:\n',
      'MountTarget:\n    Typo: x\n',
    ],
    ['a key that SAM does not know', 'sam validate', TEMPLATE, 'MemorySize: 512', 'MemorySise: 512'],
    [
      'a resource that is nowhere',
      'sam validate',
      TEMPLATE,
      '!GetAtt IngestRole.Arn',
      '!GetAtt IngstRole.Arn',
    ],
    [
      'an action that does not exist',
      'parliament UNKNOWN_ACTION',
      TEMPLATE,
      'Action: states:SendTaskSuccess',
      'Action: states:SendTaskSucess',
    ],
    [
      'an action on a resource of another service',
      'parliament RESOURCE_MISMATCH',
      TEMPLATE,
      'Action: [logs:CreateLogStream, logs:PutLogEvents], Resource: !GetAtt IngestLogs.Arn',
      'Action: [logs:CreateLogStream, logs:PutLogEvents], Resource: !GetAtt Bucket.Arn',
    ],
    [
      'an instance type in a node range beside its container',
      'cdk-preflight pf-batch-jd-node-instance-types-ecs-only',
      TEMPLATE,
      '- TargetNodes: "0:"\n',
      '- TargetNodes: "0:"\n            InstanceTypes: [c6i.large]\n',
    ],
    [
      'an output called as a list parameter is',
      'sam deploy',
      TEMPLATE,
      '\nOutputs:\n',
      '\nOutputs:\n  InputBuckets: {Value: x}\n',
    ],
    [
      'a field of a state that does not exist',
      'cfn-lint E3601',
      'statemachine/experiment.asl.json',
      '"TimeoutSeconds": 900',
      '"TimoutSeconds": 900',
    ],
  ])('find %s', async (_, code, file, text, instead) => {
    const tool = TOOLS.find((name) => code.startsWith(name) && !code.includes('E3601')) ?? 'translated';
    const found = await lintWith([tool], file, text, instead);
    expect(found.filter((finding) => finding.startsWith(code))).not.toEqual([]);
  });
});
