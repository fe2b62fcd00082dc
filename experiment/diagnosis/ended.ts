import { costClause } from '../deployment/price.ts';
import { runKeys } from '../layout/bucket-keys.ts';
import { EXIT } from '../records/exit-code.ts';
import { parseCancellation } from '../run/cancellation.ts';
import { counted, grouped, spoken } from '../text/numbers.ts';
import { says } from '../text/says.ts';
import { quoted, sentence } from '../text/sentence.ts';
import { meansClause } from './incomplete-runs.ts';
import { lastExitCode, wordsOfAws } from './infrastructure.ts';
import { outputsClause } from './lacking-outputs.ts';
import { readNodeLog, resumeChanged, resumeIt, seeReport, submitAgain } from './next-steps.ts';
import type { Observed, Sentences, Situation, StopBecause } from './observation.ts';
import { afterwards, budgetUsed, progressClause } from './runner-reasons.ts';
import { REFUSALS } from './submit-refusals.ts';

type Stop = NonNullable<Observed['stop']>;

const REFUSED = 'AWS Batch refused the job; nothing was started.';

/** Endings that need no search for a cause: the run succeeded, or it was told to end. */
export const ENDED: readonly Situation[] = [
  { name: 'succeeded', tell: succeeded },
  { name: 'cancelled', tell: cancelled },
  stopped('queue-limit', (stop, { limits, waiting, job }) => ({
    headline: 'Given up: the machines did not come in time.',
    why:
      job?.statusReason === stop.why
        ? sentence(`${stop.why} (\`timeouts.queue\`)`)
        : `The run waited ${limits?.queueSeconds === undefined ? 'as long as it may' : spoken(limits.queueSeconds)} in the queue (\`timeouts.queue\`).${queueWords(waiting?.reason ?? job?.statusReason)}`,
    next: 'Ask for fewer or smaller nodes, allow a longer `timeouts.queue`, or submit again later.',
  })),
  stopped('deadline', (_stop, observed) => ({
    headline: 'Stopped: the run had used up all its time.',
    why: `The limits of the manifest (\`timeouts\`, times \`retry.attempts\`) end a run at the latest now.${progressClause(observed)}`,
    next: sentence(`raise \`timeouts.run\`, and ${resumeChanged(observed)}`),
  })),
  stopped('budget', (_stop, observed) => budgetUsed(observed)),
  stopped('silent', ({ why }, observed) => ({
    headline: 'Stopped: node 0 had fallen silent.',
    why: `${sentence(why)}${progressClause(observed)}`,
    next: sentence(`${readNodeLog(observed)} for its last words; then ${resumeIt(observed)}`),
  })),
  ...REFUSALS.map(
    ({ name, said, why, next }): Situation => ({
      name: `stopped-submit-refused-${name}`,
      tell: ({ stop }) =>
        stop?.because === 'submit-refused' && says(stop.why, ...said)
          ? { headline: REFUSED, why: `${why} AWS says: ${quoted(stop.why)}.`, next }
          : undefined,
    }),
  ),
  stopped('submit-refused', ({ why }) => ({
    headline: REFUSED,
    why: sentence(why),
    next: 'Correct what AWS names, in the manifest or with the operators of the deployment, and submit again.',
  })),
  stopped('execution-failed', ({ why }, observed) => ({
    headline: 'The run was given up by its state machine.',
    why: `${sentence(why)}${progressClause(observed)}`,
    next: sentence(`show this to the operators of the deployment; then ${resumeIt(observed)}`),
  })),
];

/** The run was told to end, and nothing more exact is known than the words that were given. */
export const TOLD_TO_END: Situation = {
  name: 'told-to-end',
  tell(observed) {
    const { stop } = observed;
    if (stop === undefined) return undefined;
    return {
      headline:
        stop.cause === 'timed-out' ? 'Stopped: a time limit was reached.' : 'The run was asked to end.',
      why: `${stop.why.trim() === '' ? 'No reason was given.' : sentence(stop.why)}${progressClause(observed)}`,
      next: sentence(resumeIt(observed)),
    };
  },
};

/** Endings of which nothing more exact is known. They say what is known, and never guess. */
export const UNKNOWN_END: readonly Situation[] = [
  {
    name: 'timed-out',
    tell(observed) {
      if (observed.state !== 'timed-out') return undefined;
      return {
        headline: 'Stopped: a time limit was reached.',
        why: `Which one is not known.${aws(observed)}${progressClause(observed)}`,
        next: sentence(`look at \`timeouts\` in the manifest; then ${resumeChanged(observed)}`),
      };
    },
  },
  {
    name: 'never-started',
    tell(observed) {
      const { job, exitCode } = observed;
      if (job === undefined || (exitCode ?? undefined) !== undefined || (job.attempts?.length ?? 0) > 0)
        return undefined;
      return {
        headline: 'The job ended before it was started.',
        why: aws(observed).trim() || 'AWS Batch gives no reason.',
        next: sentence(`${submitAgain()}; if it happens again, show this to the operators of the deployment`),
      };
    },
  },
  { name: 'exit-code-alone', tell: exitCodeAlone },
  { name: 'unknown', tell: unknown },
];

function succeeded(observed: Observed): Sentences | undefined {
  const { state, tasks, stage, runSeconds, nodeHours } = observed;
  if (state !== 'succeeded') return undefined;
  // Stages from the third on: what counts as running is over before they begin.
  const hadNoTasks = stage !== undefined && stage > 2 && (tasks?.total ?? 0) === 0;
  const parts = hadNoTasks
    ? [`SIERRA finished stage ${stage}`]
    : [
        ...(tasks === undefined || tasks.total === 0 ? [] : [tasksDone(tasks)]),
        ...(runSeconds === undefined || runSeconds === null ? [] : [`in ${spoken(runSeconds)}`]),
        ...((tasks?.before ?? 0) > 0 ? [`(${grouped(tasks?.before ?? 0)} done before)`] : []),
      ];
  const cost = nodeHours === undefined ? '' : `, ${costClause(nodeHours, observed.price)}`;
  return {
    headline: parts.length === 0 ? `Succeeded${cost}.` : `Succeeded: ${parts.join(' ')}${cost}.`,
    why: `${sentence(
      `${hadNoTasks ? 'it had no runs to start' : `${allSucceeded(observed)}${afterRetry(observed)}`}`,
    )}${afterwards(observed)}${meansClause(observed)}${outputsClause(observed)}`,
    next: sentence(
      `${observed.outputs === undefined ? '' : `the outputs are under \`${runKeys(observed.runId).outputs}\`; `}${seeReport(observed)} shows where the time went`,
    ),
  };
}

/** All of the list, and of a run that went on with others its own, as the seconds and node-hours beside them are. */
function tasksDone({ total, succeeded, before = 0 }: NonNullable<Observed['tasks']>): string {
  const all = `${grouped(succeeded)} of ${counted(total, 'task')}`;
  return before > 0 ? `${all}; ${counted(succeeded - before, 'task')}` : all;
}

function afterRetry({ tasks }: Observed): string {
  const retried = tasks?.retried ?? 0;
  return retried === 0 ? '' : `, ${grouped(retried)} of them only after a retry`;
}

function allSucceeded({ tasks }: Observed): string {
  return tasks?.total === 1 ? 'the task succeeded' : 'all tasks succeeded';
}

function cancelled(observed: Observed): Sentences | undefined {
  if (observed.state !== 'cancelled') return undefined;
  const { stop } = observed;
  const said = parseCancellation(stop?.why ?? '');
  const by = stop?.by ?? (said.by || 'someone');
  const why = said.reason;
  const words = why === '' ? 'no reason was given' : why;
  return {
    headline: sentence(`cancelled by ${by}`),
    why: `${sentence(words)}${progressClause(observed)}`,
    next: sentence(`to go on, ${resumeIt(observed)}`),
  };
}

function stopped(because: StopBecause, tell: (stop: Stop, observed: Observed) => Sentences): Situation {
  return {
    name: `stopped-${because}`,
    tell: (observed) => (observed.stop?.because === because ? tell(observed.stop, observed) : undefined),
  };
}

/** The runner's own exit codes, for the case that its last words got lost: the code alone is a fact too. */
const MEANINGS: Readonly<Record<number, string>> = {
  [EXIT.succeeded]: 'every task succeeded',
  [EXIT.tasksFailed]: 'some tasks failed',
  [EXIT.badEnvironment]: 'a node or the plan was not fit for the run',
  [EXIT.tooFewJoined]: 'too few nodes came in time',
  [EXIT.tooManyLost]: 'too many nodes were lost',
  [EXIT.sierraFailed]: 'SIERRA failed outside its tasks',
  [EXIT.notOwner]: 'the job was a duplicate',
  [EXIT.budgetUsed]: 'the budget was used up',
  [EXIT.runTimeLimit]: 'the time limit of the run was reached',
};

function exitCodeAlone(observed: Observed): Sentences | undefined {
  const code = lastExitCode(observed);
  const meaning = code === undefined ? undefined : MEANINGS[code];
  if (meaning === undefined) return undefined;
  return {
    headline: `The run failed: ${meaning}.`,
    why: `Node 0 ended with exit code ${code}, and left no other record.${progressClause(observed)}`,
    next: sentence(`${readNodeLog(observed)}; what is done is kept: ${resumeIt(observed)}`),
  };
}

function unknown(observed: Observed): Sentences {
  const code = lastExitCode(observed);
  const known = `${code === undefined ? 'No exit code of node 0 is known.' : `Node 0 ended with exit code ${code} and left no reason.`}${aws(observed)}`;
  return {
    headline: 'The run failed for a reason that this system does not know.',
    why: `${known}${progressClause(observed)}`,
    next: sentence(`${readNodeLog(observed)}; what is done is kept: ${resumeIt(observed)}`),
  };
}

function queueWords(reason: string | undefined): string {
  return reason === undefined ? '' : ` AWS said: ${quoted(reason)}.`;
}

function aws(observed: Observed): string {
  const [words] = wordsOfAws(observed);
  return words === undefined ? '' : ` AWS says: ${quoted(words)}.`;
}
