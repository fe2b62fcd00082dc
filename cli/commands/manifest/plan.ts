import type { Command } from '@commander-js/extra-typings';
import { submitJobRequest } from '../../../experiment/batch/submit-request.ts';
import type { Deployment } from '../../../experiment/deployment/deployment.ts';
import { usdOf } from '../../../experiment/deployment/price.ts';
import { sharedLayout } from '../../../experiment/layout/shared-paths.ts';
import type { Manifest } from '../../../experiment/manifest/parse.ts';
import { resumedRun } from '../../../experiment/manifest/parse.ts';
import { makePlan } from '../../../experiment/plan/make.ts';
import { mostNodeHoursOf, mostSpoken } from '../../../experiment/plan/most-cost.ts';
import type { Plan } from '../../../experiment/plan/plan.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { suppliedArguments } from '../../../experiment/sierra/arguments.ts';
import { counted, spoken } from '../../../experiment/text/numbers.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import { example, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { linesOf } from './few.ts';
import { judgeManifest, lookAtInputs, renderJudged } from './judge.ts';

/** Where no system is known: the template's own defaults. */
export const TEMPLATE: Deployment = {
  bucket: 'YOUR-BUCKET',
  stateMachineArn: 'arn:aws:states:REGION:ACCOUNT:stateMachine:STACK-experiment',
  jobDefinition: 'STACK-JOB-DEFINITION',
  instanceTypes: ['unknown'],
  queues: { default: { arn: 'STACK-JOB-QUEUE', maxvCpus: Number.POSITIVE_INFINITY, fairShare: true } },
  defaultQueue: 'default',
  inputBuckets: [],
  defaults: { vcpus: 16, memoryMiB: 28_672 },
  sharedFolder: '/mnt/efs',
  joinPort: 7741,
  sshPort: 2222,
};
const SHOWN = 3;

/** `sierra-batch plan FILE` */
export function definePlan(program: Command, { begin }: Running): void {
  withSystem(program.command('plan'))
    .summary('show what a manifest would run')
    .description(
      'Shows nodes, slots, tasks, the first and the last commands, and the most that the run can cost. Nothing is started.',
    )
    .argument('<file>', 'the manifest')
    .option('--request', 'the request to AWS Batch as well')
    .addHelpText('after', example('sierra-batch plan experiment.yaml'))
    .action((file, options) => begin(options, (context) => plan(context, file, options)));
}

export async function plan(
  context: Context,
  shownAs: string,
  options: { request?: true | undefined } = {},
): Promise<number> {
  const { terminal } = context;
  const known = context.hasStack ? (await context.target()).live?.deployment : undefined;
  const judged = judgeManifest(context.cwd, shownAs, { deployment: known });
  const remarks = renderJudged(judged);
  if (remarks !== '') terminal.remark(remarks);
  if (!judged.ok) {
    if (context.asJson) terminal.json({ faults: judged.faults });
    return EXIT.badEnvironment;
  }
  const deployment = known ?? TEMPLATE;
  const commands = await firstAndLast(judged.manifest, judged.file);
  const made = planOf(judged.manifest, deployment, commands?.total);
  const job = submitJobRequest(made, deployment, { nonce: 'NONCE', planSha256: undefined });
  const mostNodeHours = mostNodeHoursOf(made);
  const { cluster, slots, minNodes, timeouts, retry } = made;
  const sent = await lookAtInputs(judged, terminal.remark);
  if (context.asJson) {
    terminal.json({
      nodes: cluster.nodes,
      slots: cluster.nodes * slots,
      tasks: commands?.total ?? null,
      firstCommands: commands?.first ?? [],
      lastCommands: commands?.last ?? [],
      sends: sent.map(({ from, files, bytes }) => ({ from, files, bytes })),
      mostNodeHours,
      mostUsd: usdOf(mostNodeHours, made.price) ?? null,
      plan: made,
      submitJob: job,
      deployment: known === undefined ? 'the defaults of template.yaml' : deployment.stateMachineArn,
    });
    return EXIT.succeeded;
  }
  const rows: [string, string][] = [
    [
      'nodes',
      `${cluster.nodes} (at least ${minNodes}), ${counted(cluster.vcpus, 'vCPU')} and ${cluster.memoryMiB} MiB each`,
    ],
    ['slots', `${cluster.nodes * slots}: ${counted(slots, 'task')} at once on each node, by ${made.fanout}`],
    ['tasks', tasksSpoken(made, commands)],
    ...designSpoken(made),
    ...sierraSpoken(made, deployment.sharedFolder),
    ...(commands?.first ?? []).map((line): [string, string] => ['', short(line)]),
    ...(commands === undefined || commands.total <= 2 * SHOWN ? [] : [['', '…'] as [string, string]]),
    ...(commands?.last ?? []).map((line): [string, string] => ['', short(line)]),
    ...(await resumeSpoken(context, judged.manifest, made)),
    ...closingSpoken(made),
    ['limits', limitsSpoken(timeouts, retry.attempts)],
    ['cost', mostSpoken(known === undefined ? { ...made, price: undefined } : made)],
  ];
  for (const [name, text] of rows) terminal.say(`${name.padEnd(7)} ${text}`);
  if (options.request === true) sayRequest(context, known !== undefined, job);
  return EXIT.succeeded;
}

function sayRequest({ terminal }: Context, isKnown: boolean, job: ReturnType<typeof submitJobRequest>): void {
  const names = isKnown ? '' : ' (names in capitals are the deployment’s; with --stack they are known)';
  terminal.say(`\nThe request to AWS Batch${names}:`);
  terminal.json(job);
}

export function planOf(manifest: Manifest, deployment: Deployment, total?: number): Plan {
  // The id is made when the manifest is dropped.
  const runId = `${manifest.name}-${'0'.repeat(11)}`;
  return makePlan(manifest, {
    runId,
    folder: resumedRun(manifest)?.run ?? runId,
    source: { bucket: deployment.bucket, key: 'manifests/…', version: '…' },
    deployment,
    ...(total === undefined ? {} : { frozen: { key: `runs/${runId}/commands.txt`, total } }),
  });
}

/** What is known of the tasks of the run that it goes on with, where a system is there that has it. */
async function resumeSpoken(context: Context, manifest: Manifest, made: Plan): Promise<[string, string][]> {
  if (resumedRun(manifest) === undefined) return [];
  // A plan is shown without any system as well.
  const live = await context.target().then(
    (target) => target.live,
    () => undefined,
  );
  if (live === undefined) return [];
  const { countResumed, countSpoken } = await import('../../../submission/count-resumed.ts');
  const count = await countResumed(await live.bucket(), manifest);
  if (count === undefined) return [];
  const { cluster, slots, timeouts } = made;
  const size = { nodes: cluster.nodes, slots: cluster.nodes * slots, runSeconds: timeouts.runSeconds };
  // Which version made what is known once the inputs are packed.
  return [['resume', countSpoken({ ...count, byOtherVersions: 0 }, size)]];
}

interface Commands {
  total: number;
  first: readonly string[];
  last: readonly string[];
}

async function firstAndLast(manifest: Manifest, file: string): Promise<Commands | undefined> {
  const lines = linesOf(manifest, file);
  if (lines === undefined) return undefined;
  const first: string[] = [];
  const last: string[] = [];
  let total = 0;
  for await (const line of lines) {
    total += 1;
    if (first.length < SHOWN) first.push(line);
    else if (last.push(line) > SHOWN) last.shift();
  }
  return { total, first, last };
}

function tasksSpoken({ work }: Plan, commands: Commands | undefined): string {
  if (work.kind === 'sierra')
    return `a SIERRA experiment, stages ${work.pipeline.join(' ')}: ${work.args.map(plainLine).join(' ')}`;
  return commands === undefined
    ? 'those of a file that comes with the inputs'
    : counted(commands.total, 'command');
}

/** What the tasks' parameters come from; not of a matrix alone, which the manifest shows. */
function designSpoken({ work }: Plan): [string, string][] {
  if (work.kind !== 'commands' || work.design === undefined) return [];
  const { matrix = {}, zip, table, exclude = [], replicates } = work.design;
  const parts = [
    ...(table === undefined ? [] : ['the rows of the table']),
    ...(zip === undefined ? [] : [`zip of ${Object.keys(zip).join(', ')}`]),
    ...Object.keys(matrix),
    ...(replicates === undefined ? [] : [counted(replicates, 'replicate')]),
  ];
  if (parts.length === Object.keys(matrix).length && exclude.length === 0) return [];
  const left = exclude.length === 0 ? '' : `, without what \`exclude\` leaves out`;
  return [['', `${parts.join(' × ')}${left}`]];
}

function closingSpoken(made: Plan): [string, string][] {
  return made.finally === undefined ? [] : [['finally', short(made.finally)]];
}

/** The words that a user of SIERRA looks for, and would get wrong without us. */
function sierraSpoken(made: Plan, shared: string): [string, string][] {
  if (made.work.kind !== 'sierra') return [];
  const { tasks, nodefile } = sharedLayout(made);
  const supplied = suppliedArguments({
    root: `${shared}/${tasks}`,
    nodefile: `${shared}/${nodefile}`,
    jobsPerNode: made.slots,
  });
  return [['', `supplied: ${supplied.join(' ')}`]];
}

function limitsSpoken(timeouts: Plan['timeouts'], attempts: number): string {
  const { queueSeconds, joinSeconds, runSeconds, taskSeconds, processSeconds, finallySeconds } = timeouts;
  return [
    `queue ${spoken(queueSeconds)}`,
    `join ${spoken(joinSeconds)}`,
    `run ${spoken(runSeconds)}`,
    ...(taskSeconds === undefined ? [] : [`task ${spoken(taskSeconds)}`]),
    ...(processSeconds === undefined ? [] : [`stages 3 to 5 ${spoken(processSeconds)}`]),
    ...(finallySeconds === undefined ? [] : [`closing command ${spoken(finallySeconds)}`]),
    counted(attempts, 'attempt'),
  ].join(', ');
}

function short(line: string): string {
  const plain = plainLine(line);
  return plain.length <= 100 ? plain : `${plain.slice(0, 99)}…`;
}
