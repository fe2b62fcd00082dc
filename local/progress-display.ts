import type { Progress } from '../experiment/runner-records.ts';
import type { Status } from '../experiment/status.ts';
import { spoken } from '../experiment/wording.ts';
import type { RunView } from './watch-run.ts';

export interface Display {
  update(view: RunView): void;
  /** A line of its own, above the bar. */
  say(line: string): void;
  end(): void;
}

interface Output {
  write(text: string): unknown;
  columns?: number;
}

/** How often a plain log tells of progress. */
const PLAIN_EVERY_MS = 5000;

/** Each state of the run once; below it a bar that moves (terminal), or a line now and then (no terminal). */
export function makeDisplay(
  output: Output,
  { interactive, colour, now }: { interactive: boolean; colour: boolean; now: () => number },
): Display {
  const begin = now();
  let told = '';
  let reason = '';
  let barShown = false;
  let lastPlain = 0;
  const clear = () => {
    if (barShown) output.write('\r\x1b[2K');
    barShown = false;
  };
  const say = (line: string) => {
    clear();
    output.write(`${line}\n`);
  };
  const stamp = () => `${dim(((now() - begin) / 1000).toFixed(1).padStart(6), colour)} `;

  return {
    say,
    end: clear,
    update: ({ status, progress }) => {
      for (const { state } of statesAfter(status, told)) {
        told = state;
        say(`${stamp()}${state}`);
      }
      if (
        status !== undefined &&
        status.why !== '' &&
        status.why !== reason &&
        ['queued', 'starting', 'joining'].includes(status.state)
      ) {
        reason = status.why;
        say(`        ${dim(status.why, colour)}`);
      }
      if (progress === undefined || progress.phase !== 'running' || progress.tasks.total === 0) return;
      if (interactive) {
        output.write(`\r\x1b[2K${renderBar(progress, output.columns ?? 80, colour)}`);
        barShown = true;
      } else if (now() - lastPlain >= PLAIN_EVERY_MS) {
        lastPlain = now();
        say(`${stamp()}${renderCounts(progress)}`);
      }
    },
  };
}

/** `▐██████░░░░▌ 120/200 · 1 failed · 8 running · 23/s · 4 s left`, from what node 0 itself reported. */
export function renderBar(progress: Progress, columns: number, colour: boolean): string {
  const { total, succeeded, failed } = progress.tasks;
  const counts = renderCounts(progress);
  const width = Math.max(8, Math.min(40, columns - counts.length - 4));
  const good = Math.floor((succeeded / total) * width);
  const bad = Math.min(width - good, Math.ceil((failed / total) * width));
  const bar = `${paint('█'.repeat(good), 32, colour)}${paint('█'.repeat(bad), 31, colour)}${dim('░'.repeat(width - good - bad), colour)}`;
  return `${bar} ${counts}`;
}

function renderCounts({ tasks, rate }: Progress): string {
  const done = tasks.succeeded + tasks.failed;
  const left = rate > 0 ? `${spoken((tasks.total - done) / rate)} left` : 'time left unknown';
  return [
    `${done}/${tasks.total} done`,
    `${tasks.failed} failed`,
    `${tasks.running} running`,
    `${rate.toFixed(rate < 10 ? 1 : 0)}/s`,
    left,
  ].join(' · ');
}

function statesAfter(status: Status | undefined, told: string): Status['history'] {
  const history = status?.history ?? [];
  return history.slice(history.findIndex(({ state }) => state === told) + 1);
}

function dim(text: string, colour: boolean): string {
  return paint(text, 2, colour);
}

function paint(text: string, code: number, colour: boolean): string {
  return colour && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text;
}
