import { Command, Option } from '@commander-js/extra-typings';
import { RUN_STATES } from '../experiment/records/status.ts';
import { atLeastOne, duration, runIdArgument, wholeNumber } from './context/arguments.ts';
import type { Context, TargetOptions } from './context/context.ts';

/** How a command gets what it works with; the program itself only says what there is. */
export interface Running {
  /** Runs a command, shows its failure as a sentence, and keeps its exit code. */
  begin(
    options: TargetOptions & { json?: true | undefined },
    command: (context: Context) => Promise<number>,
  ): Promise<void>;
}

/**
 * Every command with its arguments, options and an example. Help and docs/commands.md are made from
 * this. What a command does is loaded when it is called: `validate` starts without the SDK.
 */
export function makeProgram(version: string, { begin }: Running) {
  const program = new Command('sierra-batch')
    .description('Runs research experiments on AWS Batch, and the same system on this machine.')
    .version(version)
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', GENERAL_HELP);

  program
    .command('init')
    .summary('write a manifest to begin with')
    .description('Writes a commented manifest with a schema line, so that editors complete and check it.')
    .argument('[file]', 'where to', 'experiment.yaml')
    .option('--sierra', 'for a SIERRA experiment instead of a list of commands')
    .option('--force', 'overwrite a file that is there')
    .option('--json', JSON_HELP)
    .addHelpText('after', example('sierra-batch init --sierra foraging.yaml'))
    .action((file, options) =>
      begin(options, async (context) =>
        (await import('./commands/manifest/init.ts')).init(context, file, options),
      ),
    );

  withTarget(program.command('validate'))
    .summary('check manifests')
    .description(
      'Tells every fault of each manifest at once, with its place. With a deployment (--stack) also what only that can judge: queues, buckets, vCPUs. Ends with 2 when there are faults.',
    )
    .argument('<file...>', 'manifests: .yaml, .yml or .json')
    .addHelpText('after', example('sierra-batch validate experiment.yaml --json'))
    .action((files, options) =>
      begin(options, async (context) =>
        (await import('./commands/manifest/validate.ts')).validate(context, files),
      ),
    );

  withTarget(program.command('plan'))
    .summary('show what a manifest would run')
    .description(
      'Shows nodes, slots, tasks, the first and the last commands, the most node-hours it can cost, and the request to AWS Batch. Nothing is started.',
    )
    .argument('<file>', 'the manifest')
    .addHelpText('after', example('sierra-batch plan experiment.yaml'))
    .action((file, options) =>
      begin(options, async (context) => (await import('./commands/manifest/plan.ts')).plan(context, file)),
    );

  withTarget(program.command('submit'))
    .summary('submit a manifest')
    .description(
      'Packs the folders that it names, puts it into the bucket under a new key, prints the run’s id, and waits until it is accepted or rejected. Submitting again is a new run.',
    )
    .argument('<file>', 'the manifest')
    .option('--watch', 'stay and watch the run; ends with the run’s exit code')
    .addHelpText('after', example('sierra-batch submit experiment.yaml --watch'))
    .action((file, options) =>
      begin(options, async (context) =>
        (await import('./commands/runs/submit.ts')).submit(context, file, options),
      ),
    );

  withTarget(program.command('runs'))
    .summary('list runs')
    .description('A table of runs, newest first: state, age, tasks done, node-hours.')
    .option('--since <duration>', 'not older than this: 12h, 7d', duration)
    .addOption(new Option('--state <state>', 'only runs in this state').choices(RUN_STATES))
    .addHelpText('after', example('sierra-batch runs --since 7d --state failed'))
    .action((options) =>
      begin(options, async (context) => (await import('./commands/runs/runs.ts')).runs(context, options)),
    );

  withTarget(program.command('status'))
    .summary('show where a run stands')
    .description('The state of a run with its history, and the sentence that says why and what next.')
    .argument('[run]', RUN_HELP, runIdArgument)
    .addHelpText('after', example('sierra-batch status speed-sweep-0123456789a'))
    .action((run, options) =>
      begin(options, async (context) => (await import('./commands/runs/status.ts')).status(context, run)),
    );

  withTarget(program.command('watch'))
    .summary('watch a run until it has ended')
    .description(
      'Live progress, a bar for each node, rate and time left, and why the run waits when it does. Ends with the run’s exit code. Ctrl-C leaves the run alone.',
    )
    .argument('[run]', RUN_HELP, runIdArgument)
    .addHelpText('after', example('sierra-batch watch speed-sweep-0123456789a'))
    .action((run, options) =>
      begin(options, async (context) => (await import('./commands/runs/watch.ts')).watch(context, run)),
    );

  withTarget(program.command('logs'))
    .summary('show what a node or a task wrote')
    .description(
      'The runner’s log of a node (node 0 when none is named), or what a task wrote to stdout and stderr. Output of single tasks is kept for failed ones. The runner’s log is one JSON object a line, and in a terminal shown as text.',
    )
    .argument('[run]', RUN_HELP, runIdArgument)
    .addOption(new Option('--node <index>', 'the node').argParser(wholeNumber).conflicts('task'))
    .option('--task <seq>', 'the task, by its number in the joblog', atLeastOne)
    .option('--follow', 'go on until the run has ended')
    .addHelpText('after', example('sierra-batch logs speed-sweep-0123456789a --task 17'))
    .action((run, options) =>
      begin(options, async (context) =>
        (await import('./commands/runs/logs.ts')).logs(context, run, options),
      ),
    );

  withTarget(program.command('tasks'))
    .summary('list tasks')
    .description('Tasks from the joblog: number, node, start, seconds, exit code, command.')
    .argument('[run]', RUN_HELP, runIdArgument)
    .option('--failed', 'only those that failed')
    .option('--slowest <n>', 'the slowest, slowest first', atLeastOne)
    .addHelpText('after', example('sierra-batch tasks speed-sweep-0123456789a --failed'))
    .action((run, options) =>
      begin(options, async (context) =>
        (await import('./commands/runs/tasks.ts')).tasks(context, run, options),
      ),
    );

  withTarget(program.command('cancel'))
    .summary('stop a run')
    .description(
      'Stops a run, and waits until nothing of it runs any more. What is done is kept. Status, report and mail tell who did it, and why.',
    )
    .argument('<run>', RUN_HELP_NEEDED, runIdArgument)
    .option('--reason <text>', 'why, for whoever looks at the run later')
    .addHelpText('after', example('sierra-batch cancel speed-sweep-0123456789a --reason "wrong seed"'))
    .action((run, options) =>
      begin(options, async (context) =>
        (await import('./commands/runs/cancel.ts')).cancel(context, run, options),
      ),
    );

  withTarget(program.command('resume'))
    .summary('go on with a run that has ended')
    .description(
      'Submits the same manifest with `resume:` as a new run, in the same folder: only what is missing or failed runs. Its inputs are those that were sent then: after a change of a program add `resume:` to the manifest yourself and submit it.',
    )
    .argument('<run>', RUN_HELP_NEEDED, runIdArgument)
    .option('--failed-only', 'only the commands that failed, not those that never ran')
    .option('--watch', 'stay and watch the new run')
    .addHelpText('after', example('sierra-batch resume speed-sweep-0123456789a --watch'))
    .action((run, options) =>
      begin(options, async (context) =>
        (await import('./commands/runs/resume.ts')).resume(context, run, options),
      ),
    );

  withTarget(program.command('report'))
    .summary('get the report of a run')
    .description('Tells where the report of an ended run lies; from AWS it is written to a file.')
    .argument('[run]', RUN_HELP, runIdArgument)
    .option('--open', 'show it in the browser')
    .option('--output <file>', 'write it there')
    .addHelpText('after', example('sierra-batch report speed-sweep-0123456789a --open'))
    .action((run, options) =>
      begin(options, async (context) =>
        (await import('./commands/runs/report.ts')).report(context, run, options),
      ),
    );

  withTarget(program.command('fetch'))
    .summary('fetch the outputs of a run')
    .description(
      'Fetches the outputs of a run into a folder, each file checked by size and SHA-256. What is there already is not fetched again.',
    )
    .argument('[run]', RUN_HELP, runIdArgument)
    .argument('[folder]', 'where to; a new folder with the run’s id when left out')
    .addHelpText('after', example('sierra-batch fetch speed-sweep-0123456789a results'))
    .action((run, folder, options) =>
      begin(options, async (context) =>
        (await import('./commands/runs/fetch.ts')).fetch(context, run, folder),
      ),
    );

  program
    .command('local')
    .summary('keep the local system up')
    .description(
      'Keeps a whole system up on this machine, in .sierra-batch of this folder, until Ctrl-C; other commands find it there.',
    )
    .option('--open', 'show the page of runs in the browser')
    .option('--yes', 'install missing Debian packages without asking')
    .option('--json', JSON_HELP)
    .addHelpText('after', example('sierra-batch local --open'))
    .action((options) =>
      begin(options, async (context) => (await import('./commands/local.ts')).local(context, options)),
    );

  withTarget(program.command('collect'))
    .summary('salvage what a lost node 0 has left')
    .description(
      'Brings joblog, failed tasks’ output and outputs of an ended run from shared storage to the bucket, by a job of one node. Needs the operators’ policy.',
    )
    .argument('<run>', RUN_HELP_NEEDED, runIdArgument)
    .addHelpText('after', example('sierra-batch collect speed-sweep-0123456789a'))
    .action((run, options) =>
      begin(options, async (context) => (await import('./commands/maintenance.ts')).collect(context, run)),
    );

  withTarget(program.command('clean'))
    .summary('free shared storage')
    .description(
      'Removes folders of ended runs and of workspaces from shared storage, by a job of one node. Results in the bucket stay. Needs the operators’ policy.',
    )
    .argument('[run...]', 'ids of ended runs', (text, before: readonly string[] | undefined) => [
      ...(before ?? []),
      runIdArgument(text),
    ])
    .option('--older <duration>', 'what nobody has touched for so long: 30d', duration)
    .option('--workspace <name...>', 'workspaces')
    .option('--yes', 'without asking')
    .addHelpText('after', example('sierra-batch clean --older 30d'))
    .action((runs, options) =>
      begin(options, async (context) =>
        (await import('./commands/maintenance.ts')).clean(context, runs ?? [], options),
      ),
    );

  withTarget(program.command('doctor'))
    .summary('check a deployment, or this machine')
    .description(
      'Looks at what commands need, and says what to do. On this machine: programs. Of a stack: its state, what you may do there, queues and their machines, the image, mails, quotas. Ends with 2 when something is missing.',
    )
    .addHelpText('after', example('sierra-batch doctor --stack lab'))
    .action((options) =>
      begin(options, async (context) => (await import('./commands/doctor.ts')).doctor(context)),
    );

  return program;
}

const JSON_HELP = 'answer as JSON';
const RUN_HELP = 'the run’s id; in a terminal you are asked when it is left out';
const RUN_HELP_NEEDED = 'the run’s id';

const GENERAL_HELP = `
Commands talk to AWS when a stack is named (--stack, or SIERRA_BATCH_STACK), by the SDK's usual credentials (profiles, SSO,
environment); otherwise, or with --local, to the local system that \`sierra-batch local\` or \`npm start\` keeps up in
.sierra-batch of this folder or one above it.

Exit codes: 0 done; 1 done, and the answer is a bad one (a task failed, a file is not what it should be); 2 faults in the
manifest, the request or the machine; 130 ended by Ctrl-C. submit --watch, resume --watch and watch end with the run's:
1 some tasks failed, 3 too few nodes came, 4 too many were lost, 5 SIERRA itself failed, 7 the budget is used up,
124 a time limit was reached, 143 cancelled.

Example:
  $ sierra-batch submit experiment.yaml --watch
`;

function example(command: string): string {
  return `\nExample:\n  $ ${command}\n`;
}

/** The options of a command that talks to a system. */
function withTarget(command: Command) {
  return command
    .option('--local', 'the local system, even where a stack is configured')
    .option('--stack <name>', 'the stack that was deployed (or SIERRA_BATCH_STACK)')
    .option('--region <name>', 'its region')
    .option('--profile <name>', 'the profile of the AWS configuration')
    .option('--json', JSON_HELP);
}
