import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { parsedJson } from '../../../experiment/util/parse-json.ts';
import { npmFolder } from '../../install/npm-folder.ts';
import type { Finding } from '../template/finding.ts';
import type { Json } from '../template/json.ts';
import { isRecord, listAt, textAt } from '../template/json.ts';
import type { Stack } from '../template/resolve.ts';
import { runTool, ToolFailed } from './run-tool.ts';

const JUDGE = fileURLToPath(new URL('./preflight/judge-templates.mjs', import.meta.url));

const violations = z.array(
  z.object({
    ruleName: z.string(),
    description: z.string(),
    severity: z.string(),
    violatingResources: z.array(
      z.object({ resourceLogicalId: z.string(), templatePath: z.string(), locations: z.array(z.string()) }),
    ),
  }),
);

/**
 * What cdk-preflight says: rules that each repeat a refusal of a real deployment. Its rules see no conditions, so each way in
 * which a stack can be made is judged by itself. @param stacks of the template as SAM translates it
 * @throws ToolFailed, NotInstalled
 */
export async function preflight(stacks: readonly Stack[], folder: string): Promise<Finding[]> {
  const installed = await npmFolder('scripts/check-aws/tools/preflight', 'cdk-preflight');
  const files = stacks.map((_, index) => join(folder, `preflight-${index}.json`));
  await Promise.all(
    stacks.map((stack, index) => writeFile(files[index] ?? '', JSON.stringify(templateOf(stack)))),
  );
  const { stdout, stderr } = await runTool(process.execPath, [JUDGE, installed, ...files]);
  const found = violations.safeParse(parsedJson(stdout));
  if (!found.success) throw new ToolFailed(`cdk-preflight does not judge: ${stderr}${stdout}`);
  return found.data.flatMap(({ ruleName, description, severity, violatingResources }) =>
    FALSE[ruleName] !== undefined || !['error', 'warning'].includes(severity)
      ? []
      : violatingResources.map(({ resourceLogicalId, templatePath, locations }) => ({
          code: `cdk-preflight ${ruleName}`,
          where: `${resourceLogicalId}.${locations.join()} (${stacks[files.indexOf(templatePath)]?.variant})`,
          message: description,
        })),
  );
}

/** What its rules find and what is right all the same, with the reason. */
const FALSE: Readonly<Record<string, string>> = {
  'pf-efs-file-system-policy':
    'it overlooks the condition of a Deny for everybody; terraform-aws-modules/terraform-aws-efs ships the very same statement',
};

/** A resolved stack as CloudFormation's text again, references to its resources included. */
function templateOf({ resources }: Stack): Json {
  const written = [...resources.values()].map(({ name, whole }) => {
    const { Condition: _, DependsOn, ...rest } = isRecord(whole) ? whole : {};
    const after = listAt(DependsOn).filter((other) => resources.has(textAt(other)));
    return [name, references({ ...rest, ...(after.length === 0 ? {} : { DependsOn: after }) })] as const;
  });
  return { AWSTemplateFormatVersion: '2010-09-09', Resources: Object.fromEntries(written) };
}

function references(node: Json): Json {
  if (Array.isArray(node)) return node.map(references);
  if (isRecord(node))
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, references(value)]));
  if (typeof node !== 'string' || !REFERENCE.test(node)) return node;
  const whole = /^<([A-Za-z0-9]+)(?:\.([A-Za-z.]+))?>$/.exec(node);
  if (whole !== null)
    return whole[2] === undefined ? { Ref: whole[1] ?? '' } : { 'Fn::GetAtt': [whole[1] ?? '', whole[2]] };
  return { 'Fn::Sub': node.replaceAll('${', '${!').replaceAll(new RegExp(REFERENCE, 'g'), '$${$1}') };
}

const REFERENCE = /<([A-Za-z0-9]+(?:\.[A-Za-z.]+)?)>/;
