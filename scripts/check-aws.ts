// What can be known of template and state machine without an account: our own checks of what no linter sees.
import { readFileSync } from 'node:fs';
import { checkSystem } from './check-aws/check-system.ts';
import { starsWithoutReason } from './check-aws/permission-checks.ts';
import { readTemplate } from './check-aws/read-template.ts';

const template = readFileSync(new URL('../template.yaml', import.meta.url), 'utf8');
const asl = readFileSync(new URL('../statemachine/experiment.asl.json', import.meta.url), 'utf8');

const findings = [
  ...checkSystem(readTemplate(template), JSON.parse(asl)).map(
    ({ code, where, message }) => `${where}: ${message} (${code})`,
  ),
  ...starsWithoutReason(template).map(
    (line) => `template.yaml:${line}: a * for which no comment gives a reason`,
  ),
];
for (const finding of findings) console.error(finding);
if (findings.length === 0)
  console.log('template.yaml and the state machine hold what our own checks ask of them.');
process.exitCode = findings.length === 0 ? 0 : 1;
