import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { EXIT } from '../../experiment/records/exit-code.ts';
import { plainLine } from '../../experiment/text/terminal-codes.ts';
import { example, withSystem } from '../context/arguments.ts';
import type { Context, Running } from '../context/context.ts';
import type { Finding } from '../context/finding.ts';
import { missing, note, ok } from '../context/finding.ts';
import { surroundings } from '../context/live.ts';
import { awsTrouble } from '../errors/explain-aws-error.ts';
import { NoSystemHere } from '../errors/failure.ts';

/** What the local system starts, and the Debian package that has it. */
const PROGRAMS = {
  bash: 'bash',
  parallel: 'parallel',
  perl: 'perl',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
} as const;

/** `sierra-batch doctor` */
export function defineDoctor(program: Command, { begin }: Running): void {
  withSystem(program.command('doctor'))
    .summary('check a deployment, or this machine')
    .description(
      'Looks at what commands need, and says what to do. On this machine: programs. Of a stack: its state, what you may do there, queues and their machines, the image, mails, quotas. Ends with 2 when something is missing.',
    )
    .addHelpText('after', example('sierra-batch doctor --stack lab'))
    .action((options) => begin(options, (context) => doctor(context)));
}

async function doctor(context: Context): Promise<number> {
  const { terminal, asJson } = context;
  const findings = [...(context.hasStack ? [] : machine()), ...(await system(context))];
  if (asJson) terminal.json(findings);
  else
    for (const { what, state, todo } of findings)
      terminal.say(`${state.padEnd(7)} ${plainLine(what)}${todo === '' ? '' : `: ${plainLine(todo)}`}`);
  return findings.some(({ state }) => state === 'missing') ? EXIT.badEnvironment : EXIT.succeeded;
}

function machine(): Finding[] {
  const folders = [...surroundings.searchPath.split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return [
    process.platform === 'linux'
      ? ok('Linux')
      : missing('Linux', 'nodes of the local system need it; runs on AWS do not'),
    ...Object.entries(PROGRAMS).map(([program, name]) =>
      folders.some((folder) => existsSync(join(folder, program)))
        ? ok(program)
        : missing(program, `install the package ${name}, or run \`sierra-batch local\`, which does`),
    ),
  ];
}

async function system(context: Context): Promise<Finding[]> {
  try {
    const { name, live, inspect } = await context.target();
    if (inspect !== undefined) return await inspect();
    return [
      live === undefined
        ? note(name, 'no local system is up; `sierra-batch run` keeps one up as it needs it')
        : ok(name),
    ];
  } catch (error) {
    if (error instanceof NoSystemHere)
      return [note('a local system', 'none has been here; `sierra-batch run` keeps one up as it needs it')];
    const why = error instanceof Error ? (awsTrouble(error) ?? error.message) : String(error);
    return [missing(context.hasStack ? 'the stack' : 'a local system', why)];
  }
}
