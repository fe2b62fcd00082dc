import { costClause } from '../deployment/price.ts';
import { runKeys } from '../layout/bucket-keys.ts';
import type { RunnerReason } from '../records/progress.ts';
import { sierraRunOf } from '../sierra/run-command.ts';
import { counted, dollars, grouped, mostNodeHoursSpoken, nodesNamed, spoken } from '../text/numbers.ts';
import { says } from '../text/says.ts';
import { quoted, sentence } from '../text/sentence.ts';
import { taskParts } from '../text/task-parts.ts';
import { explainFailures } from './failed-tasks/explain.ts';
import { experimentsSpoken, meansClause } from './incomplete-runs.ts';
import { outputsClause, outputsLacking } from './lacking-outputs.ts';
import { readNodeLog, resumeChanged, resumeEither, resumeIt, seeReport, submitAgain } from './next-steps.ts';
import type { Observed, Sentences, Situation } from './observation.ts';
import { SIERRA_MESSAGES } from './sierra-messages.ts';

type Kind = RunnerReason['kind'];
type Of<K extends Kind> = Extract<RunnerReason, { kind: K }>;
type Tell<K extends Kind> = (reason: Of<K>, observed: Observed) => Sentences;

/** One entry for each reason that the runner can give; the compiler misses none. */
const TELL: { readonly [K in Kind]: Tell<K> } = {
  succeeded: (_reason, observed) => ({
    headline: 'All tasks succeeded, but the run did not end in order.',
    why: sentence(afterSuccess(observed)),
    next: sentence(
      `the results are under \`${runKeys(observed.runId).folder}\` in the bucket; to be sure, ${resumeIt(observed)}`,
    ),
  }),
  'outputs-lacking': outputsLacking,
  'finally-failed': finallyFailed,
  'tasks-failed': tasksFailed,
  'too-few-runs': tooFewRuns,
  'failures-stopped': failuresStopped,
  'folder-removed': ({ seq, path }, observed) => ({
    headline: `${seq === 0 ? 'A task' : `Task ${seq}`} removed the folder that tasks start in.`,
    why: `\`${path}\` is gone${seq === 0 ? '' : ` since task ${seq}, or one that ran beside it`}, and with it what the others would have needed.${progressClause(observed)}`,
    next: sentence(
      `let no task remove the folder that it starts in (\`rm -rf\` with a variable that is empty, for instance); then ${submitAgain()}`,
    ),
  }),
  'bad-environment': badEnvironment,
  'bad-plan': ({ what }) => ({
    headline: 'The run’s plan cannot be carried out; no task was started.',
    why: sentence(what),
    next: 'Correct the manifest and submit it again.',
  }),
  'too-few-joined': ({ joined, needed, missing, cannotRead = [] }, observed) => ({
    headline: `Only ${grouped(joined)} of the ${counted(needed, 'node')} needed came in time; no task was started.`,
    why: `${missing.length === 0 ? 'The others' : atStart(nodesNamed(missing))} did not report to node 0${observed.limits?.joinSeconds === undefined ? ' in time' : ` within ${spoken(observed.limits.joinSeconds)} (\`timeouts.join\`)`}.${cannotRead.length === 0 ? '' : ` ${atStart(nodesNamed(cannotRead))} said that what node 0 writes to shared storage cannot be read there: mount the same file system at the same path on every node, with the same uid.`}`,
    next: sentence(
      `${missing[0] === undefined ? readNodeLog(observed) : readNodeLog(observed, missing[0])} if it is there; then ${submitAgain()}, with a longer \`timeouts.join\` or a smaller \`minNodes\` if it happens again`,
    ),
  }),
  'too-many-lost': ({ left, needed, lost, why }, observed) => ({
    headline:
      why !== undefined
        ? 'No node takes tasks any more.'
        : `Too many nodes were lost: ${grouped(left)} left, ${grouped(needed)} needed.`,
    why: `${why !== undefined ? sentence(why) : `${lost.length === 0 ? 'Nodes' : atStart(nodesNamed(lost))} stopped answering while tasks ran.`}${progressClause(observed)}`,
    next: sentence(resumeIt(observed)),
  }),
  'sierra-failed': sierraFailed,
  'not-owner': ({ owner }) => ({
    headline: 'This job was a duplicate and did nothing.',
    why: `Job \`${owner}\` runs the experiment; this one stepped back, so that no task runs twice.`,
    next: 'Nothing to do: follow the other job.',
  }),
  'budget-used': ({ maxNodeHours }, { limits, ...observed }) =>
    budgetUsed({ ...observed, limits: { ...limits, maxNodeHours } }),
  'run-time-limit': ({ seconds }, observed) => ({
    headline: `Stopped: the time limit of ${spoken(seconds)} was reached.`,
    why: `${sentence('the tasks had not ended by then (`timeouts.run`)')}${progressClause(observed)}`,
    next: sentence(`raise \`timeouts.run\`, and ${resumeChanged(observed)}`),
  }),
  terminated: ({ signal }, observed) => ({
    headline: 'The run was stopped from outside.',
    why: `${sentence(`node 0 was asked to end (${signal})${batchWords(observed)}`)}${progressClause(observed)}`,
    next: sentence(resumeIt(observed)),
  }),
  'storage-failed': ({ what, path }, observed) => ({
    headline: 'Storage failed while the run was under way.',
    why: sentence(`\`${path}\`: ${what}`),
    next: sentence(
      `ask the operators of the deployment whether storage is full or out of reach; then ${resumeIt(observed)}`,
    ),
  }),
  internal: ({ what }, observed) => ({
    headline: 'The runner itself failed; this is a fault of sierra-batch.',
    why: sentence(what),
    next: sentence(
      `${readNodeLog(observed)} and report the fault with it; what is done is kept: ${resumeIt(observed)}`,
    ),
  }),
};

/** An ended run of which node 0 said why. */
export const RUNNER: readonly Situation[] = (Object.keys(TELL) as Kind[]).map((kind) => ({
  name: `runner-${kind}`,
  tell: (observed) => tellAs(kind, observed),
}));

function tellAs<K extends Kind>(kind: K, observed: Observed): Sentences | undefined {
  const { runner } = observed;
  // SIGTERM is only the way in which the run was asked to end: whoever did it says why.
  if (kind === 'terminated' && observed.stop !== undefined) return undefined;
  return runner !== undefined && isKind(runner, kind) ? TELL[kind](runner, observed) : undefined;
}

function isKind<K extends Kind>(reason: RunnerReason, kind: K): reason is Of<K> {
  return reason.kind === kind;
}

/** At most this many faults are told; all of them are in the log. */
const FAULTS = 3;

function badEnvironment({ faults }: Of<'bad-environment'>, observed: Observed): Sentences {
  const told = faults.slice(0, FAULTS).map(({ node, what }) => sentence(`Node ${node}: ${what}`));
  const left = faults.length - told.length;
  const todos = [...new Set(faults.map(({ todo }) => sentence(todo)))].slice(0, FAULTS);
  return {
    headline: 'The nodes are not fit for this run; no task was started.',
    why:
      told.length === 0
        ? 'The check of the nodes failed without saying what is wrong.'
        : `${told.join(' ')}${left > 0 ? ` And ${counted(left, 'more fault')}, in the log of node 0.` : ''}`,
    next: todos.length === 0 ? sentence(readNodeLog(observed)) : todos.join(' '),
  };
}

function tasksFailed({ failed, lost }: Of<'tasks-failed'>, observed: Observed): Sentences {
  const total = observed.tasks?.total;
  const some = (number: number) =>
    total === undefined ? counted(number, 'task') : `${grouped(number)} of ${counted(total, 'task')}`;
  // Where no node was lost, something else kept them from it: GNU parallel's `--halt`, for instance.
  const because =
    observed.nodes?.lost === 0
      ? ''
      : ` because ${lost === 1 ? 'its node was lost' : 'their nodes were lost'}`;
  const parts = [
    ...(failed > 0 ? [`${some(failed)} failed`] : []),
    ...(lost > 0 ? [`${failed > 0 ? grouped(lost) : some(lost)} never finished${because}`] : []),
  ];
  const explained = explainFailures(observed);
  const others = total === undefined ? '' : othersSucceeded(total - failed - lost);
  const stage = observed.failures?.some(({ example }) => sierraRunOf(example.command) !== undefined)
    ? 'In SIERRA’s stage 2, '
    : '';
  return {
    headline: `${stage}${parts.length === 0 ? 'not every task succeeded' : parts.join(', and ')}.`.replace(
      /^not/,
      'Not',
    ),
    why: `${explained?.why ?? 'What they wrote is not known.'}${others}${meansClause(observed)}${afterwards(observed)}${outputsClause(observed)}`,
    next: afterFailures(observed, explained?.next),
  };
}

function finallyFailed(
  { exitCode, tail, failed, limitSeconds }: Of<'finally-failed'>,
  observed: Observed,
): Sentences {
  const total = observed.tasks?.total ?? failed;
  const tasks =
    failed === 0 ? 'All tasks succeeded' : `${grouped(failed)} of ${counted(total, 'task')} failed`;
  const how =
    limitSeconds === undefined
      ? `failed (exit code ${exitCode})`
      : `was ended after ${spoken(limitSeconds)} (\`timeouts.finally\`)`;
  const said = lastError(tail);
  const explained = failed === 0 ? undefined : explainFailures(observed);
  return {
    headline: `${tasks}, ${failed === 0 ? 'but' : 'and'} the closing command ${how}.`,
    why: `\`run.finally\` ${said === '' ? 'said nothing' : `said: ${quoted(said)}`}.${explained === undefined ? '' : ` Of the tasks: ${explained.why}${othersSucceeded(total - failed)}`}${afterwards(observed)}${outputsClause(observed)}`,
    next: sentence(
      `correct \`run.finally\`, and ${resumeChanged(observed)}; ${readNodeLog(observed)} for all that it said`,
    ),
  };
}

function failuresStopped(
  { seconds, isAsked, signature }: Of<'failures-stopped'>,
  observed: Observed,
): Sentences {
  const { tasks = { total: 0, succeeded: 0, failed: 0 } } = observed;
  const { failed, total } = tasks;
  const others = taskParts(tasks, 'failed');
  const after = [
    `stopped after ${spoken(seconds)}`,
    ...(others.length === 0 ? [] : [others.join(', ')]),
  ].join('; ');
  const explained = explainFailures(observed);
  const other = isAsked
    ? 'Raise `stopAfter` to let more of them fail.'
    : 'With `stopAfter: never` all of them run, whatever the first ones do.';
  return {
    headline: isAsked
      ? `${grouped(failed)} of ${counted(total, 'task')} failed (\`stopAfter\`): ${after}.`
      : `All ${grouped(failed)} tasks so far failed: ${signature}; ${after}.`,
    why: `${explained?.why ?? 'What they wrote is not known.'}${afterwards(observed)}`,
    next: `${afterFailures(observed, explained?.next)} ${other}`,
  };
}

/** What people are to know beside how tasks ended; a sentence each to append. */
export function afterwards({ leftBehind = 0, triedAlone = 0, fit }: Observed): string {
  const left = ` ${counted(leftBehind, 'task')} left processes running, which were ended with the run: what these had not written yet is missing.`;
  const alone = ` ${counted(triedAlone, 'task')} ran out of memory and ${triedAlone === 1 ? 'was' : 'were'} tried once more, alone on a node.${fitting(fit)}`;
  return `${leftBehind > 0 ? left : ''}${triedAlone > 0 ? alone : ''}`;
}

function fitting(fit: number | undefined): string {
  if (fit === undefined) return '';
  if (fit === 0) return ' One of them ran out of it alone: it needs more than a node has.';
  return ` Of such tasks no more than ${grouped(fit)} fit side by side on a node: \`run.jobsPerNode: ${fit}\`.`;
}

function afterFailures(observed: Observed, advice: string | undefined): string {
  return `${advice === undefined ? '' : `${advice} `}${sentence(`${seeReport(observed)} shows every failure with its output; to try again, ${resumeEither(observed)}`)}`;
}

function tooFewRuns({ stage, minRuns, unnamed }: Of<'too-few-runs'>, observed: Observed): Sentences {
  const { incomplete = [], tasks } = observed;
  const short = incomplete.filter(({ whole }) => whole < minRuns);
  const explained = explainFailures(observed);
  const why = explained === undefined ? '' : ` ${explained.why}`;
  const next = afterFailures(observed, explained?.next);
  const notStarted = `stage ${stage} was not started`;
  if (tasks !== undefined && tasks.total > 0 && tasks.succeeded === 0)
    return {
      headline: `In SIERRA’s stage 2, none of ${counted(tasks.total, 'run')} succeeded; ${notStarted}.`,
      why: explained?.why ?? 'What they wrote is not known.',
      next,
    };
  if (short.length === 0)
    return {
      headline: `In SIERRA’s stage 2, ${counted(unnamed, 'command')} failed without naming a run; ${notStarted}.`,
      why: `What a failed run has left must not enter statistics, and a command that does not name its input below \`exp-inputs\` does not say where its outputs are.${why}`,
      next,
    };
  return {
    headline: `SIERRA’s ${notStarted}: only ${experimentsSpoken(short)} ${short.length === 1 && short[0]?.whole === 1 ? 'is' : 'are'} whole.`,
    why: `Each experiment needs ${counted(minRuns, 'whole run')} (\`run.sierra.minRuns\`).${why}`,
    next,
  };
}

function othersSucceeded(others: number): string {
  if (others <= 0) return ' None succeeded.';
  return others === 1 ? ' The other one succeeded.' : ` The other ${grouped(others)} succeeded.`;
}

function sierraFailed(reason: Of<'sierra-failed'>, observed: Observed): Sentences {
  const { stage, exitCode, tail, experiment, run, files, limitSeconds } = reason;
  const known = SIERRA_MESSAGES.find(({ messages }) => says(tail, ...messages));
  const said = lastError(tail);
  const place =
    experiment === undefined
      ? ''
      : ` at ${run === undefined ? '' : `run ${run} of `}experiment ${experiment}`;
  const next =
    known?.next ?? sentence(`${readNodeLog(observed)} for all that SIERRA said; then ${resumeIt(observed)}`);
  const where = files === undefined ? '' : ` Its files are in \`${files}\`.`;
  const means = stage > 3 ? meansClause(observed) : '';
  const words = said === '' ? 'It said nothing.' : `It said: ${quoted(said)}.`;
  if (limitSeconds !== undefined)
    return {
      headline: `SIERRA’s stage ${stage} was ended: stages 3 to 5 may take ${spoken(limitSeconds)}.`,
      why: `It had not ended by then (\`timeouts.process\`). ${words}${means}`,
      next: `${sentence(`${readNodeLog(observed)} for what it was doing; raise \`timeouts.process\` if it needs longer, and ${resumeChanged(observed)}`)}${where}`,
    };
  return {
    headline: `SIERRA failed in stage ${stage}${place} (exit code ${exitCode}).`,
    why: `${known === undefined ? '' : `${known.why} `}${words}${means}`,
    next: `${next}${where}`,
  };
}

/**
 * The last exception that Python tells, else the first line that SIERRA itself calls an error, with what follows it on the
 * next lines; else the last two lines.
 */
function lastError(tail: string): string {
  const lines = tail.split('\n').filter((line) => line.trim() !== '');
  const raised = lines.findLastIndex((line) => /^(\w+\.)*\w*(Error|Exception|Interrupt)\b/.test(line.trim()));
  const at =
    raised === -1 ? lines.findIndex((line) => /\b(ERROR|CRITICAL|FATAL) sierra\./.test(line)) : raised;
  return (at === -1 ? lines.slice(-2) : lines.slice(at, at + 3)).map((line) => line.trim()).join(' ');
}

function atStart(clause: string): string {
  return sentence(clause).slice(0, -1);
}

function afterSuccess({ job, stop }: Observed): string {
  if (stop !== undefined) return stop.why;
  const words = job?.attempts?.at(-1)?.statusReason ?? job?.statusReason;
  return words === undefined
    ? 'what happened after the last task is not known'
    : `AWS Batch says ${quoted(words)}`;
}

function batchWords({ job }: Observed): string {
  const words = job?.statusReason;
  return words === undefined ? '' : `; AWS Batch says ${quoted(words)}`;
}

/** Node 0's own count only ends a run: what it had used in the end is told from Batch's times, as in the report. */
export function budgetUsed(observed: Observed): Sentences {
  const { limits, nodeHours, price } = observed;
  const key = limits?.maxUsd === undefined ? '`budget.maxNodeHours`' : '`budget.usd`';
  const hours = limits?.maxNodeHours === undefined ? '' : ` of ${mostNodeHoursSpoken(limits.maxNodeHours)}`;
  const of = limits?.maxUsd === undefined ? hours : ` of ${dollars(limits.maxUsd)}`;
  return {
    headline: `Stopped: the budget${of} is used up.`,
    why: `${nodeHours === undefined ? `The run reached ${key}.` : `The run used ${costClause(nodeHours, price)} (${key}).`}${progressClause(observed)}`,
    next: sentence(`raise ${key}, and ${resumeChanged(observed)}`),
  };
}

/** How far it had come, as a sentence to append; empty when not known. */
export function progressClause({ tasks }: Observed): string {
  if (tasks === undefined || tasks.total === 0) return '';
  const others = taskParts(tasks, 'succeeded');
  return ` ${grouped(tasks.succeeded)} of ${counted(tasks.total, 'task')} had succeeded by then${others.length === 0 ? '' : `; ${others.join(', ')}`}.`;
}
