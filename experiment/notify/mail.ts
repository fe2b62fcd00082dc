import { counted, grouped, nodeHoursSpoken, spoken } from '../text/numbers.ts';
import { plainLine } from '../text/terminal-codes.ts';
import { visibleText } from '../text/visible-text.ts';
import type { StateChange } from './state-change-event.ts';

/** A message to a person's inbox. */
export interface Mail {
  id: string;
  /** Under 100 characters: SNS takes no more. */
  subject: string;
  /** The same in ASCII, for where SNS should still insist on it. */
  plainSubject: string;
  body: string;
  state: StateChange['state'];
}

/** SNS wants a subject of less than 100 characters, without line breaks and control characters. */
const MAX_SUBJECT = 99;

/** What a person is told of a change of state. Pure. @param link where a key of the bucket can be looked at */
export function mailOf(change: StateChange, link: (key: string) => string): Mail {
  const subject = `${MARKS[change.state]} ${subjectOf(change)}`;
  return {
    id: change.id,
    subject: cut(plainLine(subject), '…'),
    plainSubject: cut(ascii(subjectOf(change)), '...'),
    body: visibleText(bodyOf(change, link)),
    state: change.state,
  };
}

const MARKS: Readonly<Record<StateChange['state'], string>> = {
  rejected: '✘',
  submitted: '·',
  queued: '·',
  starting: '·',
  joining: '·',
  running: '·',
  collecting: '·',
  stuck: '⚠',
  succeeded: '✔',
  failed: '✘',
  cancelled: '■',
  'timed-out': '✘',
};

function subjectOf(change: StateChange): string {
  const { name, state, figures, headline } = change;
  const cost = figures === undefined ? [] : costOf(figures);
  switch (state) {
    case 'succeeded':
      return figures === undefined || figures.tasks.total === 0
        ? list(`${name} succeeded`, cost)
        : list(`${name} succeeded: ${doneOf(figures)} in ${timeOf(figures)}`, cost.slice(-1));
    case 'failed':
      return list(
        `${name} failed: ${figures !== undefined && figures.tasks.failed > 0 ? `${grouped(figures.tasks.failed)} of ${counted(figures.tasks.total, 'task')} failed` : clause(headline)}`,
        cost,
      );
    case 'cancelled':
      return list(`${name} was cancelled${figures === undefined ? '' : `: ${doneOf(figures)} done`}`, cost);
    case 'timed-out':
      return list(`${name} timed out: ${clause(headline)}`, cost);
    case 'stuck':
      return `${name} is stuck: ${clause(headline)}`;
    case 'rejected':
      return `${name} was rejected: ${counted(change.faults ?? 0, 'fault')}`;
    default:
      return `${name} is ${state}`;
  }
}

function bodyOf(change: StateChange, link: (key: string) => string): string {
  const { headline, why, next, state, name, figures } = change;
  const sections = [
    `${MARKS[state]} ${name}: ${headline}`,
    why,
    block('Next', [next, ...commandsOf(change).map((command) => `    ${command}`)]),
    figures === undefined ? '' : block('Figures', figuresOf(figures)),
    block('Look at', linksOf(change, link)),
    `You get this mail because the manifest names \`${state}\` under \`notify\`${state === 'rejected' ? ', or is too broken to say' : ''}. Should this come twice, both say: message ${change.id}`,
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** What one would type now. */
function commandsOf({ state, runId, manifest }: StateChange): string[] {
  if (runId === undefined) return [`sierra-batch validate ${manifest.key.split('/').at(-1)}`];
  switch (state) {
    case 'succeeded':
      return [`sierra-batch report ${runId} --open`, `sierra-batch fetch ${runId}`];
    case 'failed':
      return [`sierra-batch tasks ${runId} --failed`, `sierra-batch resume ${runId}`];
    case 'timed-out':
      return [`sierra-batch report ${runId} --open`, `sierra-batch resume ${runId}`];
    case 'cancelled':
      return [`sierra-batch resume ${runId}`];
    case 'stuck':
      return [`sierra-batch status ${runId}`, `sierra-batch cancel ${runId}`];
    default:
      return [`sierra-batch watch ${runId}`];
  }
}

type Figures = NonNullable<StateChange['figures']>;

function figuresOf({ tasks, exitCode, ...figures }: Figures): string[] {
  const also = [
    ...(tasks.failed > 0 ? [`${grouped(tasks.failed)} failed`] : []),
    ...(tasks.before ? [`${grouped(tasks.before)} of them before`] : []),
    ...(tasks.retried ? [`${grouped(tasks.retried)} tried again`] : []),
    ...(tasks.lost ? [`${grouped(tasks.lost)} lost`] : []),
    ...(tasks.cutOff ? [`${grouped(tasks.cutOff)} cut off`] : []),
    ...(tasks.notStarted ? [`${grouped(tasks.notStarted)} not started`] : []),
  ];
  return table([
    ['tasks', [`${grouped(tasks.succeeded)} of ${grouped(tasks.total)} succeeded`, ...also].join(', ')],
    ['queued and starting', time(figures.queuedSeconds)],
    ['joining', time(figures.joinSeconds)],
    ['running', time(figures.runSeconds)],
    ['machines', nodeHoursSpoken(figures.nodeHours)],
    ['exit code', exitCode === null ? 'none' : String(exitCode)],
  ]);
}

function linksOf({ files, bucket, manifest, runId }: StateChange, link: (key: string) => string): string[] {
  const shown = ['report', 'faults', 'status'].flatMap((what): [string, string][] => {
    const key = files[what];
    return key === undefined || (what === 'status' && files.report !== undefined) ? [] : [[what, link(key)]];
  });
  return table([
    ...shown,
    ...(runId === undefined ? [] : [['run', `s3://${bucket}/runs/${runId}/`] as [string, string]]),
    ['manifest', `s3://${bucket}/${plainLine(manifest.key)} (version ${manifest.version})`],
  ]);
}

function doneOf({ tasks }: Figures): string {
  return `${grouped(tasks.succeeded)} of ${counted(tasks.total, 'task')}`;
}

function timeOf({ runSeconds }: Figures): string {
  return runSeconds === null ? 'no time' : spoken(runSeconds);
}

function costOf(figures: Figures): string[] {
  return [
    ...(figures.runSeconds === null ? [] : [spoken(figures.runSeconds)]),
    nodeHoursSpoken(figures.nodeHours),
  ];
}

function time(seconds: number | null): string {
  return seconds === null ? '–' : spoken(seconds);
}

function list(first: string, more: readonly string[]): string {
  return [first, ...more].join(', ');
}

/** A sentence inside another one: without its full stop, beginning small unless its first word is a name. */
function clause(sentence: string): string {
  const text = sentence.replace(/\.$/, '');
  return /^[A-Z][a-z]+(?=[\s,;:]|$)/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

function block(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `  ${line}`)].join('\n');
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

function cut(text: string, mark: string): string {
  return text.length <= MAX_SUBJECT
    ? text
    : `${text
        .slice(0, MAX_SUBJECT - mark.length)
        .toWellFormed()
        .replace(/�$/, '')}${mark}`;
}

function ascii(text: string): string {
  return plainLine(text)
    .replaceAll('…', '...')
    .replaceAll(/[‘’]/g, "'")
    .replaceAll(/[“”]/g, '"')
    .replaceAll('–', '-')
    .replaceAll(/[^ -~]/g, '?');
}
