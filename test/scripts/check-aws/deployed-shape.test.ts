import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readDeployment } from '../../../functions/deployment-environment.ts';
import { LOCAL_QUEUE, localDeployment, localJobDefinition } from '../../../local/system/deployment.ts';
import { entriesAt, textAt } from '../../../scripts/check-aws/template/json.ts';
import { readTemplate } from '../../../scripts/check-aws/template/read.ts';
import { named, resolveTemplate } from '../../../scripts/check-aws/template/resolve.ts';

const stack = resolveTemplate(
  readTemplate(readFileSync(new URL('../../../template.yaml', import.meta.url), 'utf8')),
  'as it is',
);

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

it('the local system registers a job definition of the template’s shape', () => {
  const { ResourceRetentionPolicy: _, ...deployed } = Object(named(stack, 'JobDefinition').properties);
  expect(shape(localJobDefinition(4))).toEqual(shape(deployed));
});

it('its queue is of the template’s kind, and its functions know', () => {
  const variables = entriesAt(named(stack, 'SettleFunction').properties, 'Environment', 'Variables');
  const { queues } = readDeployment(
    Object.fromEntries(variables.map(([name, value]) => [name, textAt(value)])),
  );
  const local = localDeployment('d:1', 4, '/mnt/efs', 'file:///bucket/');
  expect(local.queues[local.defaultQueue]?.fairShare).toBe(queues.default?.fairShare);
  expect(LOCAL_QUEUE.fairShare).toBe(queues.default?.fairShare);
});
