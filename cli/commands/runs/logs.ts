import type { Command } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import { NOT_KEPT } from '../../../experiment/diagnosis/failed-tasks/signature.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { parsePlan } from '../../../experiment/plan/plan.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { isOutcome } from '../../../experiment/records/outcome.ts';
import { parseProgress } from '../../../experiment/records/progress.ts';
import type { Status } from '../../../experiment/records/status.ts';
import { parseStatus } from '../../../experiment/records/status.ts';
import { parseSummary } from '../../../experiment/records/summary.ts';
import { lastLines } from '../../../experiment/results/last-lines.ts';
import { counted } from '../../../experiment/text/numbers.ts';
import {
  atLeastOne,
  example,
  RUN_HELP,
  runIdArgument,
  wholeNumber,
  withSystem,
} from '../../context/arguments.ts';
import type { Context, Running, Terminal } from '../../context/context.ts';
import type { RunStore } from '../../context/run-store.ts';
import { readRecord } from '../../context/run-store.ts';
import { chosenRun, statusOf } from '../../context/select-run.ts';
import type { Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { readableLog } from '../../output/format-log.ts';

interface LogOptions {
  node?: number | undefined;
  task?: number | undefined;
  follow?: boolean | undefined;
}

/** `sierra-batch logs RUN` */
export function defineLogs(program: Command, { begin }: Running): void {
  withSystem(program.command('logs'))
    .summary('show what a node or a task wrote')
    .description(
      'The runner’s log of a node (node 0 when none is named), or what a task wrote to stdout and stderr. Output of single tasks is kept for failed ones, and for all with `run.keepOutput: all`. The runner’s log is one JSON object a line, and in a terminal shown as text.',
    )
    .argument('[run]', RUN_HELP, runIdArgument)
    .addOption(new Option('--node <index>', 'the node').argParser(wholeNumber).conflicts('task'))
    .option('--task <seq>', 'the task, by its number in the joblog', atLeastOne)
    .option('--follow', 'go on until the run has ended')
    .showHelpAfterError('What a task printed: sierra-batch logs RUN --task 7')
    .addHelpText('after', example('sierra-batch logs speed-sweep-0123456789a --task 17'))
    .action((run, options) => begin(options, (context) => logs(context, run, options)));
}

export async function logs(
  context: Context,
  named: string | undefined,
  options: LogOptions,
): Promise<number> {
  const target = await context.target();
  const runId = await chosenRun(context, target, named);
  const status = await statusOf(target, runId);
  if (options.task !== undefined) return taskOutput(context, target, runId, options.task);
  return nodeLog(context, target, status, options);
}

async function taskOutput(context: Context, target: Target, runId: string, seq: number): Promise<number> {
  const { terminal } = context;
  const { taskOutput: keyOf } = runKeys(runId);
  const failed = await Promise.all([
    target.store.text(keyOf(seq, 'out')),
    target.store.text(keyOf(seq, 'err')),
  ]);
  const isFailed = failed.some((text) => text !== undefined);
  const [out, err] = isFailed ? failed : await keptOutput(target.store, runId, seq);
  if (out === undefined && err === undefined) return lastLine(context, target, runId, seq);
  if (context.asJson) terminal.json({ task: seq, stdout: out ?? '', stderr: err ?? '' });
  else {
    await terminal.write(out ?? '');
    if (err !== undefined && err !== '' && !(err === out && err.startsWith(NOT_KEPT)))
      await terminal.writeBeside(err.endsWith('\n') ? err : `${err}\n`);
    if (!out && !err) terminal.remark(`Task ${seq} wrote nothing, neither to stdout nor to stderr.`);
  }
  return EXIT.succeeded;
}

/** Of a run that keeps what all tasks printed: the last attempt has sent that of earlier ones as well. */
async function keptOutput(
  store: RunStore,
  runId: string,
  seq: number,
): Promise<[out?: string | undefined, err?: string | undefined]> {
  const keys = runKeys(runId);
  const progress = await readRecord(store, keys.progress, parseProgress);
  const archive = await store.stream(keys.keptOutput(`${progress?.attempt ?? 1}-0`));
  if (archive === undefined) return [];
  const { readArchive } = await import('../../output/read-archive.ts');
  const names = [`${seq}.out`, `${seq}.err`] as const;
  const held = await readArchive(archive, (path) => names.some((name) => name === path));
  return [held.get(names[0])?.toString(), held.get(names[1])?.toString()];
}

/** Of a failed task whose output is not kept. */
async function lastLine(context: Context, target: Target, runId: string, seq: number): Promise<number> {
  const { terminal } = context;
  const lines = [...lastLines((await target.store.text(runKeys(runId).lastLines)) ?? '')];
  const line = lines.findLast((one) => one.seq === seq)?.line;
  if (line === undefined) throw new CommandFailed(await nothingOfTask(target, runId, seq));
  if (context.asJson) terminal.json({ task: seq, stdout: '', stderr: line, isWhole: false });
  else {
    await terminal.writeBeside(`${line}\n`);
    terminal.remark(
      `Task ${seq} failed. This is the line that says why; all output is kept of the first 100 tasks that failed in one way, 1,000 in all.`,
    );
  }
  return EXIT.succeeded;
}

async function nothingOfTask({ store }: Target, runId: string, seq: number): Promise<string> {
  const keys = runKeys(runId);
  const total = (await readRecord(store, keys.progress, parseProgress))?.tasks.total ?? 0;
  if (total > 0 && seq > total) return `the run ${runId} has ${counted(total, 'task')}, and no task ${seq}`;
  const plan = await readRecord(store, keys.plan, parsePlan);
  return plan?.keepOutput === 'all'
    ? `no output of task ${seq} is here: what tasks printed can be read once the run has ended`
    : `no output is kept of task ${seq}: that of failed tasks is (\`sierra-batch tasks ${runId} --failed\` lists them), and that of all with \`run.keepOutput: all\` in the manifest`;
}

async function nodeLog(
  context: Context,
  target: Target,
  status: Status,
  { node = 0, follow = false }: LogOptions,
): Promise<number> {
  const { terminal, clock } = context;
  const { runId } = status;
  const kept = await target.store.text(runKeys(runId).nodeLog(node));
  if (kept !== undefined && isOutcome(status.state)) return tell(context, node, kept);
  const { nodeLogSource } = await import('../../output/node-logs.ts');
  const source = nodeLogSource(target, runId, node);
  let text = '';
  let cut = '';
  let seen = false;
  for (let now: Status = status; ; now = await statusNow(target, runId)) {
    // Looked at before the log: what comes after an end has been written before it.
    const over = isOutcome(now.state);
    for (let more = await source?.(now); more !== undefined && more !== ''; more = await source?.(now)) {
      seen = true;
      if (context.asJson) text += more;
      else {
        const end = (cut + more).lastIndexOf('\n') + 1;
        await terminal.write(shownLog((cut + more).slice(0, end), terminal));
        cut = (cut + more).slice(end);
      }
    }
    if (!follow || over) break;
    await clock.sleep(target.lookMs);
  }
  await terminal.write(shownLog(cut, terminal));
  if (context.asJson && seen) terminal.json({ node, log: text });
  if (!seen) throw new CommandFailed(await nothingOf(target, status, node), EXIT.tasksFailed);
  return EXIT.succeeded;
}

/** Of an ended run nothing more will come, and most often there is no such node. */
async function nothingOf(target: Target, { runId, state }: Status, node: number): Promise<string> {
  const nothing = `node ${node} of the run ${runId} has written nothing`;
  if (!isOutcome(state)) return `${nothing} yet`;
  const count = (await readRecord(target.store, runKeys(runId).summary, parseSummary))?.nodes.length ?? 0;
  return count > 0 && node >= count
    ? `the run ${runId} has no node ${node}, only ${count === 1 ? 'node 0' : `0 to ${count - 1}`}`
    : nothing;
}

async function tell({ terminal, asJson }: Context, node: number, log: string): Promise<number> {
  if (asJson) terminal.json({ node, log });
  else await terminal.write(shownLog(log, terminal));
  return EXIT.succeeded;
}

async function statusNow(target: Target, runId: string): Promise<Status> {
  const status = await readRecord(target.store, runKeys(runId).status, parseStatus);
  if (status === undefined) throw new CommandFailed(`the run ${runId} is gone from ${target.name}`);
  return status;
}

/** In a terminal for people; into a file or a pipe goes the JSON that stands there. */
function shownLog(text: string, terminal: Terminal): string {
  return terminal.interactive ? readableLog(text) : text;
}
