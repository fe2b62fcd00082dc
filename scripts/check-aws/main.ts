// What can be known of template and state machine without an account: our own checks of what no linter sees, then what
// AWS's own tools say, from an environment that is made on first use.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleFunction, FUNCTIONS } from '../build/bundle.ts';
import { awsVenv } from '../install/aws-venv.ts';
import { runLinters } from './linters.ts';
import { checkSystem, listRules } from './system.ts';
import type { Finding } from './template/finding.ts';
import { readTemplate } from './template/read.ts';
import { starsWithoutReason } from './template/stars.ts';

if (process.argv.includes('--list')) {
  for (const rule of listRules()) console.log(rule);
  process.exit(0);
}
const templateFile = fileURLToPath(new URL('../../template.yaml', import.meta.url));
const definition = fileURLToPath(new URL('../../statemachine/experiment.asl.json', import.meta.url));
const template = readFileSync(templateFile, 'utf8');
const sentence = ({ code, where, message }: Finding) => `${where}: ${message} (${code})`;

const own = [
  ...checkSystem(readTemplate(template), JSON.parse(readFileSync(definition, 'utf8'))).map(sentence),
  ...starsWithoutReason(template).map(
    (line) => `template.yaml:${line}: a * for which no comment gives a reason`,
  ),
];
tell(own, 'template.yaml and the state machine hold what our own checks ask of them.');
try {
  // What `sam deploy` uploads.
  for (const name of FUNCTIONS)
    await bundleFunction(name, fileURLToPath(new URL(`../../dist/functions/${name}`, import.meta.url)));
  const found = await runLinters({ template: templateFile, definition, bin: await awsVenv() });
  tell(
    found.map(sentence),
    'cfn-lint, the SAM command line, its translator, cdk-preflight and parliament find nothing.',
  );
} catch (error) {
  // Without its tools nothing is known, and that is no success.
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}

function tell(findings: readonly string[], good: string): void {
  for (const finding of findings) console.error(finding);
  if (findings.length === 0) console.log(good);
  else process.exitCode = 1;
}
