import { Command } from '@commander-js/extra-typings';
import { defineDoctor } from './commands/doctor.ts';
import { defineLocal } from './commands/local.ts';
import { defineClean } from './commands/maintenance/clean.ts';
import { defineCollect } from './commands/maintenance/collect.ts';
import { defineInit } from './commands/manifest/init.ts';
import { definePlan } from './commands/manifest/plan.ts';
import { defineValidate } from './commands/manifest/validate.ts';
import { defineRun } from './commands/run.ts';
import { defineCancel } from './commands/runs/cancel.ts';
import { defineFetch } from './commands/runs/fetch.ts';
import { defineLogs } from './commands/runs/logs.ts';
import { defineReport } from './commands/runs/report.ts';
import { defineResume } from './commands/runs/resume.ts';
import { defineRuns } from './commands/runs/runs.ts';
import { defineStatus } from './commands/runs/status.ts';
import { defineSubmit } from './commands/runs/submit.ts';
import { defineWatch } from './commands/runs/watch.ts';
import { defineDiff } from './commands/tasks/diff.ts';
import { defineTasks } from './commands/tasks/tasks.ts';
import { example } from './context/arguments.ts';
import type { Running } from './context/context.ts';

/** In the order in which help and docs/commands.md show them. */
const COMMANDS = [
  defineRun,
  defineInit,
  defineValidate,
  definePlan,
  defineSubmit,
  defineRuns,
  defineStatus,
  defineWatch,
  defineLogs,
  defineTasks,
  defineDiff,
  defineCancel,
  defineResume,
  defineReport,
  defineFetch,
  defineLocal,
  defineCollect,
  defineClean,
  defineDoctor,
];

/** The command `sierra-batch`: a command is a file of `commands/`, with its arguments, its help and what it does. */
export function makeProgram(version: string, running: Running) {
  const program = new Command('sierra-batch')
    .description('Runs research experiments on AWS Batch, and the same system on this machine.')
    .version(version)
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', ({ command }) => generalHelp(command));
  for (const define of COMMANDS) define(program, running);
  return program;
}

const PARAGRAPHS = [
  'Commands talk to AWS when a stack is named (--stack, or SIERRA_BATCH_STACK), by the SDK’s usual credentials (profiles, SSO, environment); otherwise, or with --local, to the local system that is up in .sierra-batch of this folder or one above it. `sierra-batch local` keeps one up; run, resume, submit --watch, clean and collect do so for themselves where none is.',
  'Exit codes: 0 done; 1 done, and the answer is a bad one (a task failed, a file is not what it should be); 2 faults in the manifest, the request or the machine; 130 ended by Ctrl-C. run, submit --watch, resume --watch and watch end with the run’s: 1 some tasks failed, 3 too few nodes came, 4 too many were lost, 5 SIERRA itself failed, 7 the budget is used up, 124 a time limit was reached, 143 cancelled.',
];

/** As wide as the lists above it. */
function generalHelp(command: Command): string {
  const help = command.createHelp();
  const { helpWidth = command.configureOutput().getOutHelpWidth?.() ?? 80 } = command.configureHelp();
  const wrapped = PARAGRAPHS.map((paragraph) => `\n${help.boxWrap(paragraph, helpWidth)}\n`);
  return `${wrapped.join('')}${example('sierra-batch run "./sim --seed {seed}" seed=1..100 speed=0.1,0.5 --nodes 4')}`;
}
