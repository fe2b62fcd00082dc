import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readOutputs } from '../../../cli/context/stack.ts';
import { readDeployment } from '../../../functions/deployment-environment.ts';
import { LOCAL_QUEUE, localDeployment, localJobDefinition } from '../../../local/system/deployment.ts';
import { entriesAt, textAt } from '../../../scripts/check-aws/template/json.ts';
import { readTemplate } from '../../../scripts/check-aws/template/read.ts';
import type { Stack } from '../../../scripts/check-aws/template/resolve.ts';
import { named, resolveTemplate } from '../../../scripts/check-aws/template/resolve.ts';

const template = readTemplate(readFileSync(new URL('../../../template.yaml', import.meta.url), 'utf8'));
const stack = resolveTemplate(template, 'as it is');

/** Its keys as Batch's API has them, without what they hold. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== 'object' || value === null) return '';
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      `${key.charAt(0).toLowerCase()}${key.slice(1)}`,
      shape(each),
    ]),
  );
}

function toldToFunctions(of: Stack) {
  const variables = entriesAt(named(of, 'SettleFunction').properties, 'Environment', 'Variables');
  return readDeployment(Object.fromEntries(variables.map(([name, value]) => [name, textAt(value)])));
}

it('the local system registers a job definition of the template’s shape', () => {
  const { ResourceRetentionPolicy: _, ...deployed } = Object(named(stack, 'JobDefinition').properties);
  expect(shape(localJobDefinition(4))).toEqual(shape(deployed));
});

it('its queue is of the template’s kind, and its functions know', () => {
  const { queues } = toldToFunctions(stack);
  const local = localDeployment('d:1', 4, '/mnt/efs', 'file:///bucket/');
  expect(local.queues[local.defaultQueue]?.fairShare).toBe(queues.default?.fairShare);
  expect(LOCAL_QUEUE.fairShare).toBe(queues.default?.fairShare);
});

it('the command line knows by the outputs what the functions know by their environment', () => {
  const given = {
    SshPort: '2200',
    JoinPort: '7800',
    DefaultVcpus: '8',
    DefaultMemoryMiB: '4096',
    MaxvCpus: '64',
    InstanceTypes: 'c7i.2xlarge,c7i.4xlarge',
    InputBuckets: 'one,two',
  };
  const other = resolveTemplate(template, 'with other parameters', given);
  const outputs = [...other.outputs].map(([name, value]) => [
    name,
    textAt(value).replace(/^<(.+)>$/, 'arn:$1'),
  ]);

  const { queues, instanceTypes, inputBuckets, defaults, ...told } = toldToFunctions(other);
  const { deployment } = readOutputs('lab', Object.fromEntries(outputs));
  const { sharedFolder, joinPort, sshPort } = told;
  const known = { instanceTypes, inputBuckets, defaults, sharedFolder, joinPort, sshPort };
  expect(deployment).toMatchObject(known);
  expect(deployment.queues.default?.maxvCpus).toBe(queues.default?.maxvCpus);
});
