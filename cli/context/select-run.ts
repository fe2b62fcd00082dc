import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { isRunId, nameOfRun } from '../../experiment/layout/run-id.ts';
import { mostSentence, spentSpoken } from '../../experiment/plan/most-cost.ts';
import { parsePlan } from '../../experiment/plan/plan.ts';
import { isOutcome } from '../../experiment/records/outcome.ts';
import type { Progress } from '../../experiment/records/progress.ts';
import type { Status } from '../../experiment/records/status.ts';
import { parseStatus } from '../../experiment/records/status.ts';
import { counted } from '../../experiment/text/numbers.ts';
import type { Destination } from '../../submission/drop-manifest.ts';
import { CommandFailed } from '../errors/failure.ts';
import type { Context } from './context.ts';
import { age, listRunIds, readRows } from './run-rows.ts';
import { readRecord } from './run-store.ts';
import type { LiveTarget, Target } from './target.ts';

// What a command needs to be there before it can begin; each says in a sentence what is missing.

export async function destinationOf(
  { clock, nonce, terminal }: Context,
  { live, own, lookMs, acceptedWithinMs }: LiveTarget,
): Promise<Destination> {
  return {
    bucket: await live.bucket(),
    clock,
    nonce,
    lookMs,
    acceptedWithinMs,
    say: terminal.remark,
    defaultVcpus: live.deployment.defaults?.vcpus,
    ...(own === undefined ? {} : { signal: own.stopping }),
  };
}

/** A run that is there. @throws CommandFailed */
export async function statusOf(target: Target, runId: string): Promise<Status> {
  const status = await readRecord(target.store, runKeys(runId).status, parseStatus);
  if (status !== undefined) return status;
  throw new CommandFailed(`there is no run ${runId} in ${target.name}; \`sierra-batch runs\` lists them`);
}

/** Why a run goes on no more that has not ended; undefined where it does go on, or has ended. */
export function stoppedSentence(
  { live }: Target,
  runId: string,
  { state }: Pick<Status, 'state'>,
  progress?: Progress,
): string | undefined {
  if (live !== undefined || isOutcome(state)) return undefined;
  const { total, succeeded, failed } = progress?.tasks ?? { total: 0, succeeded: 0, failed: 0 };
  const where =
    total === 0 ? `while it was ${state}` : `at ${succeeded + failed} of ${counted(total, 'task')}`;
  return `No local system is up here: the run has stopped ${where}. \`sierra-batch local\` (or the next run) settles it; \`sierra-batch resume ${runId}\` goes on with it.`;
}

/** What a run costs, as its plan says: at most, and so far. undefined where its plan cannot be read. */
export async function costOf(target: Target, runId: string) {
  const plan = parsePlan(await target.store.text(runKeys(runId).plan));
  if (plan === undefined) return undefined;
  return {
    isFree: plan.price?.kind === 'free',
    most: mostSentence(plan),
    spent: ({ nodeHours }: Pick<Progress, 'nodeHours'>) => spentSpoken(nodeHours, plan),
  };
}

/** Asks before something is done; `yes` is an answer given beforehand. @throws CommandFailed */
export async function confirmed(
  { terminal }: Context,
  { message, yes, refused }: { message: string; yes: true | undefined; refused: string },
): Promise<void> {
  if (yes === true) return;
  if (!terminal.asks)
    throw new CommandFailed(`${message} Nobody can answer here, so ${refused}; --yes says yes`);
  const { confirm } = await import('@clack/prompts');
  if ((await confirm({ message, initialValue: false })) !== true) throw new CommandFailed(refused, 130);
}

/** Where nobody can answer, a full id leaves no doubt; another word may mean another run than was thought. */
export function byFullId({ terminal }: Context, named: string, runId: string): true | undefined {
  return !terminal.asks && named === runId ? true : undefined;
}

const CHOICES = 15;

/** The run that was named; in a terminal the user is asked for one when none was. @throws CommandFailed */
export async function chosenRun(
  context: Context,
  target: Target,
  named: string | undefined,
): Promise<string> {
  if (named !== undefined) return namedRun(target, named);
  const { terminal } = context;
  if (!terminal.asks) throw new CommandFailed('name a run; `sierra-batch runs` lists them');
  const rows = (await readRows(target.store)).slice(0, CHOICES);
  if (rows.length === 0) throw new CommandFailed(`there are no runs in ${target.name} yet`);
  const { isCancel, select } = await import('@clack/prompts');
  const picked = await select({
    message: 'Which run?',
    options: rows.map((row) => ({
      value: row.runId,
      label: row.runId,
      hint: `${row.state}, ${age(row, context.clock.now())} ago`,
    })),
  });
  if (isCancel(picked)) throw new CommandFailed('no run was chosen', 130);
  return picked;
}

/** Runs that a fault lists. */
const LISTED = 10;

/**
 * The id of the run that a word means: an id (nothing is looked up then), the beginning of one, a manifest's name or the
 * only name with this beginning (its newest run), or `last`. A name in full goes before longer ones.
 * @throws CommandFailed where it means none, or several
 */
export async function namedRun({ store, name }: Target, word: string): Promise<string> {
  if (isRunId(word)) return word;
  const isLast = word === 'last';
  const ids = (await listRunIds(store)).filter((id) => isLast || id.startsWith(word));
  const exact = isLast ? [] : ids.filter((id) => nameOfRun(id) === word);
  const meant = exact.length > 0 ? exact : ids;
  if (meant.length === 1) return meant.join();
  const rows = await readRows(store, meant);
  const newest = rows[0];
  if (newest === undefined)
    throw new CommandFailed(
      isLast
        ? `there are no runs in ${name} yet`
        : `no run in ${name} has an id that begins with ${word}; \`sierra-batch runs\` lists them`,
    );
  const isName = new Set(meant.map(nameOfRun)).size === 1 && newest.name.startsWith(word);
  if (isLast || isName) return newest.runId;
  const listed = rows.slice(0, LISTED).map(({ runId }) => runId);
  const more = rows.length > LISTED ? ` and ${rows.length - LISTED} more` : '';
  throw new CommandFailed(
    `${word} is the beginning of several runs in ${name}: ${listed.join(', ')}${more}; write more of the id`,
  );
}

/** A sentence of ours names keys of the bucket; here they stand as a person can open them. */
export function withPlaces(text: string, runId: string, target: Target): string {
  const { folder } = runKeys(runId);
  return text.replaceAll(`\`${folder}`, `\`${target.place(folder).replace(/\/?$/, '/')}`);
}
