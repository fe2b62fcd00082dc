import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { policyDocuments } from './rules/policy-documents.ts';
import { VARIANTS } from './system.ts';
import type { Finding } from './template/finding.ts';
import { readTemplate } from './template/read.ts';
import { resolveTemplate } from './template/resolve.ts';

const PYTHON = fileURLToPath(new URL('./python', import.meta.url));
const WITHIN_MS = 90_000;
/** Where a stack may be made: linters know what a region lacks. */
const REGIONS = ['eu-central-1', 'us-east-1'];

/** What is linted: the files as they lie there, beside their samconfig.toml. */
interface Linted {
  template: string;
  definition: string;
  /** `bin` of the environment of AWS's tools. */
  bin: string;
}

/** A linter that cannot be run: nothing is known then, which is no success. */
class LinterFailed extends Error {
  override readonly name = 'LinterFailed';
}

/**
 * What tools say that were not written here: cfn-lint and `sam validate --lint` on the template, cfn-lint on what AWS's
 * translator makes of it, parliament on every policy in every variant. All offline. @throws LinterFailed
 */
export async function runLinters(linted: Linted): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sierra-batch-linters-'));
  try {
    const found = await Promise.all([
      cfnLint(linted, linted.template),
      samValidate(linted, folder),
      translated(linted, folder),
      parliament(linted),
    ]);
    return found.flat();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const cfnFindings = z.array(
  z.object({
    Level: z.string(),
    Message: z.string(),
    Rule: z.object({ Id: z.string() }),
    Location: z.object({ Start: z.object({ LineNumber: z.number() }), Path: z.array(z.unknown()).nullish() }),
  }),
);

async function cfnLint({ bin }: Linted, template: string): Promise<Finding[]> {
  const { code, stdout, stderr } = await run(join(bin, 'cfn-lint'), [
    '--format',
    'json',
    '--regions',
    ...REGIONS,
    '--template',
    template,
  ]);
  const findings = cfnFindings.safeParse(stdout === '' ? [] : json(stdout));
  if (!findings.success || (code !== 0) !== findings.data.length > 0)
    throw new LinterFailed(`cfn-lint ended with ${code}: ${stderr}${stdout}`);
  return findings.data.map(({ Rule, Message, Location: { Start, Path } }) => ({
    code: `cfn-lint ${Rule.Id}`,
    where: Path?.join('.') ?? `line ${Start.LineNumber}`,
    message: Message,
  }));
}

/** As a user would: in the project's folder, where samconfig.toml names the template. */
async function samValidate({ bin, template }: Linted, home: string): Promise<Finding[]> {
  const { code, stdout, stderr } = await run(join(bin, 'sam'), ['validate', '--lint'], {
    cwd: dirname(template),
    env: { HOME: home },
  });
  if (code === 0 && stdout.includes(`${template} is a valid SAM Template`)) return [];
  return [{ code: 'sam validate', where: template, message: `${stdout}${stderr}`.trim() || `exit ${code}` }];
}

async function translated(linted: Linted, folder: string): Promise<Finding[]> {
  const result = join(folder, 'translated.json');
  const { code, stderr } = await run(join(linted.bin, 'python'), [
    join(PYTHON, 'translate.py'),
    linted.template,
    linted.definition,
    result,
  ]);
  if (code !== 0)
    return [
      { code: 'sam translate', where: linted.template, message: stderr.trim().split('\n').at(-1) ?? '' },
    ];
  const found = await cfnLint(linted, result);
  return found.map((finding) => ({ ...finding, where: `${finding.where} (translated)` }));
}

const policyFinding = z.object({ where: z.string(), code: z.string(), message: z.string() });

async function parliament({ bin, template }: Linted): Promise<Finding[]> {
  const parsed = readTemplate(await readFile(template, 'utf8'));
  const documents = Object.entries(VARIANTS).flatMap(([variant, parameters]) =>
    policyDocuments(resolveTemplate(parsed, variant, parameters)).map((policy) => JSON.stringify(policy)),
  );
  const { code, stdout, stderr } = await run(
    join(bin, 'python'),
    [join(PYTHON, 'judge_policies.py')],
    {},
    [...new Set(documents)].join('\n'),
  );
  if (code !== 0) throw new LinterFailed(`parliament ended with ${code}: ${stderr}`);
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

async function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
  input = '',
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(program, args, {
    ...options,
    // No account and none of its variables: nothing here may depend on one.
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      AWS_DEFAULT_REGION: REGIONS[0],
      AWS_EC2_METADATA_DISABLED: 'true',
      SAM_CLI_TELEMETRY: '0',
      ...options.env,
    },
    timeout: WITHIN_MS,
    stdio: 'pipe',
  });
  child.stdin.end(input);
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
  const [code, stdout, stderr] = await Promise.all([closed, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}

/** undefined for text that is no JSON. */
function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // Told by whoever wanted it.
  }
}
