import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { parsedJson } from '../../experiment/util/parse-json.ts';
import { policyDocuments } from './rules/policy-documents.ts';
import { VARIANTS } from './system.ts';
import type { Finding } from './template/finding.ts';
import { readTemplate } from './template/read.ts';
import { resolveTemplate } from './template/resolve.ts';
import { preflight } from './tools/preflight.ts';
import { REGIONS, runTool, ToolFailed } from './tools/run-tool.ts';
import { samDeploy } from './tools/sam-deploy.ts';

const PYTHON = fileURLToPath(new URL('./python', import.meta.url));

/** What is linted: the files as they lie there, beside their samconfig.toml. */
interface Linted {
  template: string;
  definition: string;
  /** `bin` of the environment of AWS's tools. */
  bin: string;
}

/** What is not written here, by its name. All offline. */
const TOOLS = {
  'cfn-lint': (linted) => cfnLint(linted, linted.template),
  'sam validate': samValidate,
  // What AWS's translator makes of the template: cfn-lint on it, and cdk-preflight in every variant.
  translated,
  // Every policy in every variant.
  parliament,
  'sam deploy': ({ bin, template }, folder) => samDeploy(bin, template, folder, DEPLOYED),
} satisfies Record<string, (linted: Linted, folder: string) => Promise<Finding[]>>;

/** What tools say of template and state machine. The functions' bundles must be in `dist/`. @throws ToolFailed, NotInstalled */
export async function runLinters(
  linted: Linted,
  tools: readonly (keyof typeof TOOLS)[] = [
    'cfn-lint',
    'sam validate',
    'translated',
    'parliament',
    'sam deploy',
  ],
): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sierra-batch-linters-'));
  try {
    return (await Promise.all(tools.map((tool) => TOOLS[tool](linted, folder)))).flat();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Parameters that a command line may take apart: a list, a sentence, an address. */
const DEPLOYED = { ...VARIANTS['with storage, buckets and queues of others'], Email: 'a@example.org' };

const jsonValue = z.json();

const cfnFindings = z.array(
  z.object({
    Level: z.string(),
    Message: z.string(),
    Rule: z.object({ Id: z.string() }),
    Location: z.object({ Start: z.object({ LineNumber: z.number() }), Path: z.array(z.unknown()).nullish() }),
  }),
);

async function cfnLint({ bin }: Linted, template: string): Promise<Finding[]> {
  const { code, stdout, stderr } = await runTool(join(bin, 'cfn-lint'), [
    '--format',
    'json',
    '--regions',
    ...REGIONS,
    '--template',
    template,
  ]);
  const findings = cfnFindings.safeParse(stdout === '' ? [] : parsedJson(stdout));
  if (!findings.success || (code !== 0) !== findings.data.length > 0)
    throw new ToolFailed(`cfn-lint ended with ${code}: ${stderr}${stdout}`);
  return findings.data.map(({ Rule, Message, Location: { Start, Path } }) => ({
    code: `cfn-lint ${Rule.Id}`,
    where: Path?.join('.') ?? `line ${Start.LineNumber}`,
    message: Message,
  }));
}

/** As a user would: in the project's folder, where samconfig.toml names the template. */
async function samValidate({ bin, template }: Linted, home: string): Promise<Finding[]> {
  const { code, stdout, stderr } = await runTool(join(bin, 'sam'), ['validate', '--lint'], {
    cwd: dirname(template),
    env: { HOME: home },
  });
  if (code === 0 && stdout.includes(`${template} is a valid SAM Template`)) return [];
  return [{ code: 'sam validate', where: template, message: `${stdout}${stderr}`.trim() || `exit ${code}` }];
}

async function translated(linted: Linted, folder: string): Promise<Finding[]> {
  const result = join(folder, 'translated.json');
  const { code, stderr } = await runTool(join(linted.bin, 'python'), [
    join(PYTHON, 'translate.py'),
    linted.template,
    linted.definition,
    result,
  ]);
  if (code !== 0)
    return [
      { code: 'sam translate', where: linted.template, message: stderr.trim().split('\n').at(-1) ?? '' },
    ];
  const whole = jsonValue.parse(parsedJson(await readFile(result, 'utf8')));
  const stacks = Object.entries(VARIANTS).map(([variant, parameters]) =>
    resolveTemplate(whole, variant, { ImageTag: 'content-0123', ...parameters }),
  );
  const [linting, refusals] = await Promise.all([cfnLint(linted, result), preflight(stacks, folder)]);
  return [...linting.map((finding) => ({ ...finding, where: `${finding.where} (translated)` })), ...refusals];
}

const policyFinding = z.object({ where: z.string(), code: z.string(), message: z.string() });

async function parliament({ bin, template }: Linted): Promise<Finding[]> {
  const parsed = readTemplate(await readFile(template, 'utf8'));
  const documents = Object.entries(VARIANTS).flatMap(([variant, parameters]) =>
    policyDocuments(resolveTemplate(parsed, variant, parameters)).map((policy) => JSON.stringify(policy)),
  );
  const { code, stdout, stderr } = await runTool(
    join(bin, 'python'),
    [join(PYTHON, 'judge_policies.py')],
    {},
    [...new Set(documents)].join('\n'),
  );
  if (code !== 0) throw new ToolFailed(`parliament ended with ${code}: ${stderr}`);
  return [...new Set(stdout.split('\n').filter((line) => line !== ''))]
    .map((line) => policyFinding.parse(JSON.parse(line)))
    .filter((finding) => !isExplained(finding))
    .map((finding) => ({ ...finding, code: `parliament ${finding.code}` }));
}

/** What parliament finds and what is right all the same. It looks at one statement at a time. */
const EXPLAINED: readonly { code: string; says: RegExp }[] = [
  // The reference lists Express executions beside Standard ones; ours are Standard.
  {
    code: 'RESOURCE_MISMATCH',
    says: /'states:DescribeExecution', 'required_format': 'arn:\*:states:\*:\*:express:/,
  },
  // Queues of others by a statement of their own; jobs and definitions are in the one before it.
  {
    code: 'RESOURCE_MISMATCH',
    says: /:job\/\*'\}, .*'batch:SubmitJob', 'required_format': '[^']*:job-definition\//,
  },
  // EFS's own documentation compares the access point's ARN as text.
  { code: 'MISMATCHED_TYPE_BUT_USABLE', says: /StringEquals requires a value of type String but given Arn/ },
];

function isExplained({ code, message }: Finding): boolean {
  return EXPLAINED.some((each) => each.code === code && each.says.test(message));
}
