import { readFileSync } from 'node:fs';
import { at, entriesAt, textAt } from '../check-aws/template/json.ts';
import { readTemplate } from '../check-aws/template/read.ts';
import { HELP, readDeployOptions } from './arguments.ts';
import { runDeployment } from './deploy.ts';
import { liveClients, liveHands, lookAtMachine } from './live.ts';

/** `npm run deploy`: the system in an AWS account, installed or updated. Exit codes: 1 refused or failed, 2 it cannot be. */
const template = readTemplate(readFileSync(new URL('../../template.yaml', import.meta.url), 'utf8'));
const parameters = at(template, 'Parameters');
const defaults = Object.fromEntries(
  entriesAt(template, 'Parameters').map(([name]) => [name, textAt(parameters, name, 'Default')]),
);
const request = readDeployOptions(process.argv.slice(2), Object.keys(defaults));
const complain = (line: string) => console.error(`npm run deploy: ${line}`);
if (request.kind === 'help') {
  console.log(HELP);
} else if (request.kind === 'refused') {
  complain(`${request.why} (npm run deploy -- --help tells more)`);
  process.exitCode = 2;
} else {
  const { options } = request;
  const machine = await lookAtMachine();
  process.exitCode = await runDeployment({
    options,
    defaults,
    machine,
    hands: liveHands(options, machine, (line) => console.log(line)),
    connect: () => liveClients(options),
    complain,
  });
}
