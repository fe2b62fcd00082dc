import type { Sentences } from '../diagnosis/diagnose.ts';
import { diagnose } from '../diagnosis/diagnose.ts';
import { runKeys } from '../layout/bucket-keys.ts';
import { nameOfRun } from '../layout/run-id.ts';
import type { Control } from '../records/control.ts';
import { isOutcome } from '../records/outcome.ts';
import type { EnteredState, Status } from '../records/status.ts';
import { parseSummary } from '../records/summary.ts';
import type { StateChange } from './state-change-event.ts';

/**
 * What there is to tell of a run: each state that it has entered, in its order. The end is control's, which nobody else
 * can write; of the rest, which tasks could overwrite, what is no state is left out.
 */
export function enteredStates(
  { ended }: Pick<Control, 'ended'>,
  status: Pick<Status, 'entered'> | undefined,
): EnteredState[] {
  const before = (status?.entered ?? []).filter(({ state }) => !isOutcome(state));
  if (ended === undefined) return before;
  return [...before, { state: ended.outcome, attempt: 0, at: new Date(ended.at).toISOString() }];
}

/** The key of a state among all of its run: `queued`, `queued.2` in the second attempt, `stuck.silent`. */
export function changeKey({ state, stuck, attempt }: EnteredState): string {
  return [state, ...(stuck === undefined ? [] : [stuck]), ...(attempt > 1 ? [attempt] : [])].join('.');
}

/** A state of a run as it is told. @param figures of an ended run */
export function runChange(
  control: Pick<Control, 'runId' | 'source' | 'ended'>,
  status: Status | undefined,
  one: EnteredState,
  figures: StateChange['figures'],
): StateChange {
  const { runId, source, ended } = control;
  const isEnd = one.state === ended?.outcome;
  const keys = runKeys(runId);
  return {
    version: 1,
    id: `${runId}/${changeKey(one)}`,
    state: one.state,
    at: one.at,
    name: nameOfRun(runId),
    bucket: source.bucket,
    runId,
    ...(one.attempt > 0 ? { attempt: one.attempt } : {}),
    manifest: { key: source.key, version: source.version },
    ...sentencesOf(runId, status, one, isEnd ? ended : undefined),
    files: isEnd
      ? { report: keys.report, summary: keys.summary, status: keys.status, outputs: keys.outputs }
      : { status: keys.status },
    ...(one.stuck === undefined ? {} : { stuck: one.stuck }),
    ...(isEnd && figures !== undefined ? { figures } : {}),
  };
}

/** The figures of a run, from the text of its summary; undefined where that cannot be read. */
export function figuresOf(summary: string | undefined): StateChange['figures'] {
  const read = parseSummary(summary);
  if (read === undefined) return undefined;
  const { exitCode, tasks, nodeHours, timings } = read;
  const { lost, cutOff, notStarted, before, ...counted } = tasks;
  const told = Object.fromEntries(
    Object.entries({ lost, cutOff, notStarted, before }).filter(([, value]) => value !== undefined),
  );
  return { exitCode, tasks: { ...counted, ...told }, nodeHours, ...timings };
}

/** The status speaks for the state that it is in; of one that is past only the state is known. */
function sentencesOf(
  runId: string,
  status: Status | undefined,
  one: EnteredState,
  ended: Sentences | undefined,
): Sentences {
  const isNow = status?.state === one.state && status.attempt === one.attempt ? status : undefined;
  const { headline, why, next } =
    ended ?? one.said ?? isNow ?? diagnose({ runId, state: one.state === 'stuck' ? 'running' : one.state });
  return { headline, why, next };
}
