import type { Command } from '@commander-js/extra-typings';
import { commandsOf } from '../../../experiment/manifest/parse.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { counted } from '../../../experiment/text/numbers.ts';
import { example, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import type { JudgedManifest } from './judge.ts';
import { judgeManifest, renderJudged } from './judge.ts';

/** `sierra-batch validate FILE…` */
export function defineValidate(program: Command, { begin }: Running): void {
  withSystem(program.command('validate'))
    .summary('check manifests')
    .description(
      'Shows every fault of each manifest at once, with its place. With a deployment (--stack) it also checks queues, buckets and vCPUs. Ends with 2 when there are faults.',
    )
    .argument('<file...>', 'manifests: .yaml, .yml or .json')
    .addHelpText('after', example('sierra-batch validate experiment.yaml --json'))
    .action((files, options) => begin(options, (context) => validate(context, files)));
}

export async function validate(context: Context, files: readonly string[]): Promise<number> {
  const { terminal, cwd } = context;
  // Without a stack nothing is looked up: this is what an editor or a commit hook runs.
  const deployment = context.hasStack ? (await context.target()).live?.deployment : undefined;
  const judged = files.map((file) => judgeManifest(cwd, file, { deployment }));
  if (context.asJson) terminal.json(judged.map(forMachines));
  else for (const each of judged) tell(context, each);
  return judged.every(({ ok }) => ok) ? EXIT.succeeded : EXIT.badEnvironment;
}

function tell({ terminal }: Context, judged: JudgedManifest): void {
  const text = renderJudged(judged);
  if (text !== '') terminal.remark(text);
  if (judged.ok) terminal.say(`${judged.shownAs}: ok, ${inShort(judged)}`);
  else terminal.say(`${judged.shownAs}: ${counted(judged.faults.length, 'fault')}`);
}

function inShort({ manifest }: JudgedManifest & { ok: true }): string {
  const commands = commandsOf(manifest);
  const nodes = counted(manifest.cluster.nodes, 'node');
  if (commands !== undefined) return `${counted(commands.total, 'task')} on ${nodes}`;
  return manifest.run.sierra === undefined
    ? `tasks of a file on ${nodes}`
    : `a SIERRA experiment on ${nodes}`;
}

function forMachines(judged: JudgedManifest): object {
  const { shownAs: file, ok } = judged;
  return judged.ok
    ? { file, ok, faults: [], warnings: judged.warnings }
    : { file, ok, faults: judged.faults, warnings: [] };
}
