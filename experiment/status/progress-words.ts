import type { Progress } from '../records/progress.ts';
import { grouped, spoken } from '../text/numbers.ts';
import { plainLine } from '../text/terminal-codes.ts';

// How far a run under way is, in the words of terminal and page alike.

/** `41 of 41 failed: exit 127, ./sim: not found`; nothing where none has failed. */
export function failing({ tasks: { succeeded, failed }, failures = [] }: Progress): string[] {
  const [largest] = failures;
  if (largest === undefined) return [];
  const { count, signature, line } = largest;
  const most = count === failed ? '' : `, ${grouped(count)} of them`;
  const words = [signature.split(': ')[0] ?? '', ...(line === '' ? [] : [line])].join(', ');
  return [plainLine(`${grouped(failed)} of ${grouped(succeeded + failed)} failed${most}: ${words}`)];
}

/** What is done, failed and running, how fast, and the time left, a piece each. */
export function countsOf(progress: Progress): string[] {
  const { tasks, rate, stage } = progress;
  const done = tasks.succeeded + tasks.failed;
  const counts = [`${done}/${tasks.total} done`, `${tasks.failed} failed`];
  if (done >= tasks.total) return [...counts, afterTasks(stage)];
  return [
    ...counts,
    `${tasks.running} running`,
    ...(done === 0 ? [] : [`${rate.toFixed(rate < 10 ? 1 : 0)}/s`]),
    timeLeft(progress),
  ];
}

/** SIERRA's stages from the third on have no tasks, and take their time. */
function afterTasks(stage: number | undefined): string {
  return stage === undefined || stage < 3 ? 'about to end' : `SIERRA’s stage ${stage}`;
}

/** From node 0's estimate of the work that is left; at the tail no number, but what it hangs on. */
function timeLeft({ secondsLeft, longestSeconds, nearest, tasks }: Progress): string {
  if (nearest !== undefined) return `${nearest.of} ends it in ${spoken(Math.round(nearest.seconds))}`;
  if (secondsLeft !== undefined)
    return secondsLeft < 1 ? 'under 1 s left' : `${spoken(Math.round(secondsLeft))} left`;
  if (longestSeconds === undefined || tasks.running === 0) return 'time left unknown';
  return `the longest for ${spoken(Math.round(longestSeconds))}`;
}
