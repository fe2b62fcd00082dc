import type { NotSent } from '../records/outputs.ts';
import type { RunnerReason } from '../records/progress.ts';
import { counted, grouped } from '../text/numbers.ts';
import { quoted, sentence } from '../text/sentence.ts';
import { plainLine } from '../text/terminal-codes.ts';
import { readNodeLog, resumeToSend } from './next-steps.ts';
import type { Observed, Sentences } from './observation.ts';

type Lacking = Extract<RunnerReason, { kind: 'outputs-lacking' }>;

const SHOWN = 3;

/** Every task succeeded, and what was asked for is not all in the bucket. */
export function outputsLacking(
  { missing, unsent, notSent }: Omit<Lacking, 'kind'>,
  observed: Observed,
): Sentences {
  const total = observed.tasks?.total ?? 0;
  const isFull = notSent.some(({ why }) => /ENOSPC|EDQUOT|StorageFull/.test(why));
  const todo = [
    ...(missing.length === 0
      ? []
      : [
          'see what the tasks wrote, and correct `outputs`: files, folders and wildcards below the folder that tasks start in; what may be missing is `{path: …, optional: true}`',
        ]),
    ...(isFull ? ['make room on the disk'] : []),
    ...(unsent > notSent.length ? [`${readNodeLog(observed)}, which names each file that was not sent`] : []),
  ];
  return {
    headline: `${total === 0 ? 'The work is done' : total === 1 ? 'The task succeeded' : `All ${counted(total, 'task')} succeeded`}, but not all results are in the bucket.`,
    why: `${lackingClauses({ missing, unsent, notSent }).map(sentence).join(' ')}${beforeClause(observed)}`,
    next: `${todo.map(sentence).join(' ')}${todo.length === 0 ? '' : ' '}${sentence(`${todo.length === 0 ? '' : 'then '}${resumeToSend(observed, missing.length > 0)}`)}`,
  };
}

/** The same where more went wrong, as sentences to append. */
export function outputsClause(observed: Observed): string {
  const { missing = [], unsent = 0, notSent = [] } = observed.outputs ?? {};
  const clauses = lackingClauses({ missing, unsent, notSent }).map((clause) => ` ${sentence(clause)}`);
  return `${clauses.join('')}${beforeClause(observed)}`;
}

/** What lay there already is no result; empty where nothing did. */
function beforeClause({ outputs }: Observed): string {
  const before = outputs?.before ?? 0;
  if (before === 0) return '';
  const [was, its] = before === 1 ? ['was', 'It is no result'] : ['were', 'They are no results'];
  return ` ${counted(before, 'file')} of \`outputs\` came with the inputs or from an earlier run and ${was} not written since. ${its} of this run and not sent.`;
}

function lackingClauses({ missing, unsent, notSent }: Omit<Lacking, 'kind'>): string[] {
  const named = missing.slice(0, SHOWN).map((path) => `\`${plainLine(path.slice(0, 100))}\``);
  return [
    ...(named.length === 0
      ? []
      : [
          `${withMore(named, missing.length, ', ')} (in \`outputs\`) ${missing.length === 1 ? 'was' : 'were'} not found`,
        ]),
    ...(unsent === 0
      ? []
      : [`${counted(unsent, 'file')} of \`outputs\` could not be sent${reasons(notSent, unsent)}`]),
  ];
}

function reasons(notSent: readonly NotSent[], unsent: number): string {
  if (notSent.length === 0) return '';
  const told = notSent
    .slice(0, SHOWN)
    .map(({ path, why }) => `\`${plainLine(path.slice(0, 200))}\` (${quoted(why)})`);
  return `: ${withMore(told, unsent, ', ')}`;
}

function withMore(shown: readonly string[], all: number, between: string): string {
  return `${shown.join(between)}${all > shown.length ? ` and ${grouped(all - shown.length)} more` : ''}`;
}
