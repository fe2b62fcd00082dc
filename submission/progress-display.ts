import type { NodeRecord } from '../experiment/records/nodes.ts';
import { isOutcome } from '../experiment/records/outcome.ts';
import type { Progress } from '../experiment/records/progress.ts';
import type { RunState, Status } from '../experiment/records/status.ts';
import { countsOf, failing } from '../experiment/status/progress-words.ts';
import { counted } from '../experiment/text/numbers.ts';
import { plainLine } from '../experiment/text/terminal-codes.ts';
import { visibleText } from '../experiment/text/visible-text.ts';

/** What can be seen of a run from its bucket alone. */
export interface RunView {
  status: Status | undefined;
  progress: Progress | undefined;
  /** Only where each is to be seen. */
  nodes?: readonly NodeRecord[] | undefined;
}

export interface Display {
  update(view: RunView): void;
  /** A line of its own, above the bar. What a terminal would act on is made visible. */
  say(line: string): void;
  end(): void;
}

interface Output {
  write(text: string): unknown;
  columns?: number;
  rows?: number;
}

/** How often a plain log tells of progress. */
const PLAIN_EVERY_MS = 5000;
/** Why a run waits is told when it does wait: on this machine it seldom does. */
const WAITS_MS = 3000;

interface Look {
  interactive: boolean;
  colour: boolean;
  now: () => number;
  /** What the run has cost so far; left out where nothing is paid. */
  spent?: (progress: Progress) => string;
}

/** Each state of the run once, and once more in each later attempt; below it a bar that moves (terminal), or a line now and then (no terminal). */
export function makeDisplay(output: Output, look: Look): Display {
  const { interactive, colour, now } = look;
  const begin = now();
  let told = '';
  let toldAt = begin;
  let attempt = 0;
  let reason = '';
  /** Lines below all that was said, which are taken back before more is. */
  let moving = 0;
  let lastPlain = begin;
  const clear = () => {
    if (moving === 1) output.write('\r\x1b[2K');
    else if (moving > 1) output.write(`\r\x1b[${moving - 1}A\x1b[J`);
    moving = 0;
  };
  const say = (line: string) => {
    clear();
    output.write(`${line}\n`);
  };
  /** When the run was accepted, as far as its status says so. */
  let origin = begin;
  let latest = 0;
  /** Never before what was told last: the clock of the cloud and this one may differ. */
  const stamp = (at = now()) => {
    latest = Math.max(latest, at - origin);
    return `${dim(elapsed(latest), colour)} `;
  };
  const showStates = (status: Status | undefined) => {
    if (told === '') origin = timeOf(status?.history[0]) ?? begin;
    if (status !== undefined && status.attempt > attempt) {
      if (attempt > 0) say(`${stamp()}tried again: attempt ${status.attempt}`);
      attempt = status.attempt;
    }
    for (const state of statesAfter(status, told)) {
      told = state;
      toldAt = now();
      if (state === 'running') lastPlain = toldAt;
      say(`${stamp(enteredAt(status, state))}${state}`);
    }
  };
  const showReason = ({ why, state }: Status) => {
    if (why === '' || why === reason || !WAITING.has(state) || now() - toldAt < WAITS_MS) return;
    reason = why;
    say(`        ${dim(plainLine(why), colour)}`);
  };

  return {
    say: (line) => say(visibleText(line)),
    end: clear,
    update: ({ status, progress, nodes = [] }) => {
      showStates(status);
      if (status !== undefined) showReason(status);
      if (told !== 'running' || progress?.phase !== 'running' || progress.tasks.total === 0) return;
      if (interactive) {
        const lines = movingLines(output, look, progress, nodes);
        if (moving === 1 && lines.length === 1) output.write('\r\x1b[2K');
        else clear();
        output.write(lines.join('\n'));
        moving = lines.length;
      } else if (now() - lastPlain >= PLAIN_EVERY_MS) {
        lastPlain = now();
        const cost = look.spent?.(progress) ?? [];
        say([`${stamp()}${renderCounts(progress)}`, ...failing(progress), cost].flat().join(' · '));
      }
    },
  };
}

/** The bar, what has failed, what the run has cost, and a line for each node. */
function movingLines(
  { columns: given, rows }: Output,
  { colour, spent }: Look,
  progress: Progress,
  nodes: readonly NodeRecord[],
): string[] {
  const columns = given || 80;
  const cut = (line: string) => line.slice(0, columns - 1);
  return [
    renderBar(progress, columns, colour),
    ...failing(progress).map((line) => paint(cut(line), 31, colour)),
    ...(spent === undefined ? [] : [dim(cut(spent(progress)), colour)]),
    ...renderNodes(nodes, columns, Math.min(MAX_NODES, (rows || 24) - 4), colour),
  ];
}

const WAITING: ReadonlySet<string> = new Set(['queued', 'starting', 'joining']);

/**
 * `██████░░░░ 120/200 done · 1 failed · 8 running · 23/s · 4 s left`, from what node 0 itself reported. Never longer than
 * the terminal is wide: a line that wraps could not be taken back.
 */
export function renderBar(progress: Progress, columns: number, colour: boolean): string {
  const { total, succeeded, failed } = progress.tasks;
  const counts = renderCounts(progress);
  const room = columns - counts.length - 2;
  if (room < 8) return shortCounts(progress, columns - 1);
  const width = Math.min(40, room);
  const bad = Math.ceil((failed / total) * width);
  const good = Math.min(width - bad, Math.floor((succeeded / total) * width));
  const bar = `${paint('█'.repeat(good), 32, colour)}${paint('█'.repeat(bad), 31, colour)}${dim('░'.repeat(width - good - bad), colour)}`;
  return `${bar} ${counts}`;
}

/** A line for each node, its bar against the node with the most tasks: `node 2  ██████░░  31 tasks`. */
function renderNodes(nodes: readonly NodeRecord[], columns: number, most: number, colour: boolean): string[] {
  const top = Math.max(1, ...nodes.map(({ tasks }) => tasks));
  const width = Math.max(4, Math.min(30, columns - 40));
  const lines = nodes.slice(0, nodes.length > most ? most - 1 : most).map((node) => {
    const done = Math.round((node.tasks / top) * width);
    const bar = `${paint('█'.repeat(done), node.state === 'lost' ? 31 : 32, colour)}${dim('░'.repeat(width - done), colour)}`;
    const state = node.state === 'joined' ? '' : `, ${node.state}`;
    return `node ${String(node.index).padEnd(4)} ${bar} ${counted(node.tasks, 'task')}${state}`;
  });
  const rest = nodes.length - lines.length;
  return rest > 0 && most > 0 ? [...lines, `… and ${counted(rest, 'node')} more`] : lines;
}

/** More nodes than this are counted, not shown. */
const MAX_NODES = 16;

function renderCounts(progress: Progress): string {
  return countsOf(progress).join(' · ');
}

/** What fits, the time left before the rate and the running tasks. */
function shortCounts(progress: Progress, most: number): string {
  const parts = countsOf(progress);
  while (parts.length > 1 && parts.join(' · ').length > most) parts.splice(-2, 1);
  return parts.join(' · ').slice(0, Math.max(0, most));
}

/** The history has each state once, when it was entered first: in a later attempt the state itself is looked at. */
function statesAfter(status: Status | undefined, told: string): RunState[] {
  if (status === undefined) return [];
  const { history, state, attempt } = status;
  if (attempt > 1) return state === told ? [] : [state];
  return history.slice(history.findIndex((entry) => entry.state === told) + 1).map((entry) => entry.state);
}

/** When a state was entered. The history has each once: a later attempt's are seen as they come, but its end is the last. */
function enteredAt(status: Status | undefined, state: RunState): number | undefined {
  if (status === undefined || (status.attempt > 1 && !isOutcome(state))) return undefined;
  return timeOf(status.history.find((entry) => entry.state === state));
}

function timeOf(entry: Status['history'][number] | undefined): number | undefined {
  const at = Date.parse(entry?.at ?? '');
  return Number.isNaN(at) ? undefined : at;
}

/** Seconds, and from ten minutes on hours, minutes and seconds. */
function elapsed(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 600) return seconds.toFixed(1).padStart(6);
  const two = (number: number) => String(Math.floor(number)).padStart(2, '0');
  return `${Math.floor(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function dim(text: string, colour: boolean): string {
  return paint(text, 2, colour);
}

function paint(text: string, code: number, colour: boolean): string {
  return colour && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text;
}
