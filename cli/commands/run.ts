import { existsSync, readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import { mostSentence } from '../../experiment/plan/most-cost.ts';
import { EXIT } from '../../experiment/records/exit-code.ts';
import { bytesSpoken, counted } from '../../experiment/text/numbers.ts';
import type { Edit } from '../../submission/edit-manifest.ts';
import { editedText } from '../../submission/edit-manifest.ts';
import { changesForOptions } from '../../submission/nodes-option.ts';
import { atLeastOne, example, runIdArgument, several, withSystem } from '../context/arguments.ts';
import type { Context, Running } from '../context/context.ts';
import { confirmed, namedRun } from '../context/select-run.ts';
import { CommandFailed } from '../errors/failure.ts';
import { systemHere, systemThatIsUp } from '../local-system/system-here.ts';
import { writeFor } from '../output/write-for.ts';
import { composeManifest, nameOf } from './manifest/compose.ts';
import type { Few } from './manifest/few.ts';
import { chooseFew, ranges } from './manifest/few.ts';
import type { JudgedManifest } from './manifest/judge.ts';
import { judgeManifest, lookAtInputs, renderJudged } from './manifest/judge.ts';
import { planOf } from './manifest/plan.ts';
import { COMPOSED } from './runs/changed-inputs.ts';
import { submitJudged } from './runs/submit.ts';

/** `sierra-batch run` */
export function defineRun(program: Command, { begin }: Running): void {
  withSystem(program.command('run'))
    .summary('run a command over parameters, or a manifest')
    .description(
      'Runs the command once for each combination of its parameters; {key} stands for a value. Sends this folder along (without .git, .sierra-batch and what .sierra-batchignore names), keeps what tasks print, and ends with the run’s exit code. On AWS it asks before it starts. Where neither a stack is named nor a local system is up, it keeps one up until this run has ended, and all others in it.',
    )
    .argument('<command>', 'a command in quotes, or the file of a manifest')
    .argument('[parameters...]', 'seed=1..100, angle=0..90..15 (with a step), speed=0.1,0.5')
    .option('--nodes <number>', 'how many nodes (of a command: 1)', atLeastOne)
    .option(
      '--output <path>',
      'a file, a folder or a pattern that is kept; several times for several',
      several,
    )
    .addOption(
      new Option('--results <where>', 'JSON that tasks print becomes columns of the table').choices([
        'stdout',
      ]),
    )
    .option('--write <file>', 'keep the manifest that this makes')
    .option('--only <numbers>', 'only these tasks: 1-4', ranges)
    .option('--sample <number>', 'only so many tasks, spread over all parameters', atLeastOne)
    .option('--resume <run>', 'go on with this ended run: only what is new or failed runs', runIdArgument)
    .option('--open', 'show the run’s page in the browser: its report, and live where a system is up')
    .option('--yes', 'without asking')
    .showHelpAfterError(
      'A command with options goes in quotes: sierra-batch run "./sim --seed {seed}" seed=1..100',
    )
    .addHelpText(
      'after',
      example('sierra-batch run "./sim --seed {seed}" seed=1..100 speed=0.1,0.5 --nodes 4'),
    )
    .action((command, parameters, options) =>
      begin(options, (context) => run(context, { command, parameters }, options)),
    );
}

interface RunOptions extends Few {
  nodes?: number | undefined;
  output?: readonly string[] | undefined;
  results?: 'stdout' | undefined;
  write?: string | undefined;
  resume?: string | undefined;
  open?: true | undefined;
  yes?: true | undefined;
}

type Judged = JudgedManifest & { ok: true };

export async function run(
  context: Context,
  asked: { command: string; parameters: readonly string[] },
  options: RunOptions,
): Promise<number> {
  const { terminal, asJson } = context;
  const isManifest = /^\S+\.(?:ya?ml|json)$/.test(asked.command);
  if (
    isManifest &&
    (asked.parameters.length > 0 ||
      [options.output, options.results, options.write].some((one) => one !== undefined))
  )
    throw new CommandFailed(
      'parameters, --output, --results and --write go with a command; a manifest has its own',
    );
  const target = await systemThatIsUp(context);
  const text = isManifest ? undefined : composed(context, asked, options);
  const shownAs = isManifest ? asked.command : (options.write ?? `${nameOf(asked.command)}${COMPOSED}`);
  const judged = await judge(context, shownAs, { text, deployment: target?.live.deployment, options });
  const remarks = renderJudged(judged);
  if (remarks !== '') terminal.remark(remarks);
  if (!judged.ok) {
    if (asJson) terminal.json({ accepted: false, faults: judged.faults });
    return EXIT.badEnvironment;
  }
  if (text !== undefined) keepOrShow(context, text, options);
  const size = isManifest ? undefined : await largeFolder(context, judged);
  const questions = [
    ...(size === undefined ? [] : [`Send ${size}?`]),
    ...(target?.kind === 'stack'
      ? [`Start it on ${target.name}? ${mostSentence(planOf(judged.manifest, target.live.deployment))}`]
      : []),
  ];
  if (questions.length > 0)
    await confirmed(context, {
      message: questions.join(' '),
      yes: options.yes,
      refused: 'nothing was started',
    });
  const staying = { watch: true, open: options.open } as const;
  if (target === undefined)
    return systemHere(context, { yes: options.yes }, (here, own) => submitJudged(here, own, judged, staying));
  if (target.kind === 'local') terminal.remark(`In ${target.name}, which another command keeps up.`);
  return submitJudged(context, target, judged, staying);
}

/** The manifest that was made, and what it leaves out. */
function keepOrShow(
  { cwd, terminal }: Context,
  text: string,
  { write, output, only, sample }: RunOptions,
): void {
  if (write === undefined) terminal.remark(text.trimEnd());
  else {
    writeFor(resolve(cwd, write), write, text);
    const isPart = only !== undefined || sample !== undefined;
    terminal.remark(
      `Written: ${write}${isPart ? ', with all tasks: --only and --sample are not part of it' : ''}`,
    );
  }
  if (output === undefined)
    terminal.remark(
      'files that tasks write will not be sent: name them with --output PATH; what tasks print is kept',
    );
}

/** The text of the manifest. @throws CommandFailed */
function composed(
  { cwd }: Context,
  { command, parameters }: { command: string; parameters: readonly string[] },
  { nodes = 1, output: outputs = [], results, write }: RunOptions,
): string {
  if (write !== undefined && !(dirname(resolve(cwd, write)) === cwd && /\.ya?ml$/.test(write)))
    throw new CommandFailed(
      `--write ${write}: name a .yaml file in this folder, which the manifest sends along`,
    );
  if (write !== undefined && existsSync(resolve(cwd, write)))
    throw new CommandFailed(`${write} is there already; name another file`);
  const withFolder = readdirSync(cwd).some((name) => !['.git', '.sierra-batch'].includes(name));
  return composeManifest({ command, parameters, nodes, outputs, results, withFolder });
}

/** With `--nodes` and `--resume`, and only the tasks that `--only` and `--sample` choose. */
async function judge(
  context: Context,
  shownAs: string,
  { options, ...given }: { options: RunOptions } & Parameters<typeof judgeManifest>[2],
): Promise<JudgedManifest> {
  const { cwd } = context;
  const judged = judgeManifest(cwd, shownAs, given);
  if (!judged.ok) return judged;
  const { only, sample, nodes, resume } = options;
  const few = only !== undefined || sample !== undefined;
  const edits: Edit[] = [
    ...(resume === undefined
      ? []
      : [
          {
            path: typeof judged.manifest.resume === 'object' ? ['resume', 'run'] : ['resume'],
            value: await namedRun(await context.target(), resume),
          },
        ]),
    ...(few
      ? [
          {
            path: ['run', 'commands'],
            value: await chooseFew(judged.manifest, judged.file, { only, sample }),
          },
        ]
      : []),
    ...changesForOptions(judged.manifest, nodes === undefined ? {} : { nodes }),
  ];
  if (edits.length === 0) return judged;
  return judgeManifest(cwd, shownAs, { ...given, text: editedText(judged.source, edits) });
}

const MUCH_BYTES = 1024 ** 3;

/** What of this folder is so much, or so private, that nobody sends it by mistake; undefined where it is neither. */
async function largeFolder({ cwd, home }: Context, judged: Judged): Promise<string | undefined> {
  const [sent] = await lookAtInputs(judged);
  if (sent === undefined) return undefined;
  const { files, bytes } = sent;
  const isHome = resolve(cwd) === resolve(home);
  if (bytes <= MUCH_BYTES && !isHome) return undefined;
  return `${isHome ? 'your home folder' : 'this folder'} (${counted(files, 'file')}, ${bytesSpoken(bytes)})`;
}
