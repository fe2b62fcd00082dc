import { MAX_COLLECTS } from '../../../../experiment/records/control.ts';
import type { Claim, Seen } from './run-model.ts';

/**
 * Whether a fault met every one of the tries to collect this run, and all were used up: then it has ended without a report,
 * as one does whose folder nobody can sum up. Nobody can tell the two apart where a function is killed.
 */
export function wasCutOff({ collects }: Seen, runId: string): boolean {
  const tries = collects.get(runId) ?? [];
  const full = tries.filter(({ tries }) => tries <= MAX_COLLECTS);
  return full.length >= MAX_COLLECTS && full.length < tries.length && full.every(({ by }) => by.isTroubled);
}

/** Whether such an end could not be noted in the status either, for the hour in which that is tried. */
export function wasNeverNoted(seen: Seen, runId: string): boolean {
  const { ended, collects, closedAt } = parsed(seen.objects.get(`control/${runId}.json`));
  const isTimeOver = Number(closedAt) - Number(Object(collects).since) >= NOTED_WITHIN_MS;
  return wasCutOff(seen, runId) && isTimeOver && Object(ended).writtenAt === undefined;
}

/** Whether the run was closed though somebody had not been told: docs/events.md says after how long. */
function wasGivenUp(seen: Seen, runId: string | undefined): boolean {
  const { ended, closedAt } = parsed(seen.objects.get(`control/${runId}.json`));
  const { at, writtenAt = at } = Object(ended);
  return Number(closedAt) - Number(writtenAt) >= TOLD_WITHIN_MS;
}

/** The states that the manifests of the simulation want a mail of. */
const MAILED = ['rejected', 'stuck', 'succeeded', 'failed', 'cancelled', 'timed-out'];
const ENDS = ['succeeded', 'failed', 'cancelled', 'timed-out'];

const NOTED_WITHIN_MS = 3_600_000;
const TOLD_WITHIN_MS = 3 * 3_600_000;

interface Told {
  id: string;
  state: string;
  key: string;
  runId: string | undefined;
  attempt: number;
}

/**
 * Promise 5: every state is told at least once, with one id; one copy only, unless its sender met a fault and so could not
 * know, or not note, that it was sent. Judged by what reached bus and topic, and by what lies in the bucket.
 */
export function checkTold(seen: Seen, claim: Claim): void {
  const told = seen.tellings.filter(({ kind }) => kind === 'event').map(({ detail }) => toldBy(detail));
  const mailed = new Set(seen.tellings.flatMap(({ kind, id }) => (kind === 'mail' ? [id] : [])));
  for (const drop of seen.drops) {
    const isRejected = seen.objects.has(`rejected/${drop.key}@${drop.version}.json`);
    const ofDrop = isRejected
      ? told.filter(
          ({ state, key, id }) => state === 'rejected' && key === drop.key && id.includes(drop.version),
        )
      : told.filter(({ runId }) => runId === drop.runId);
    const states = isRejected ? ['rejected'] : statesOf(seen, drop.runId);
    for (const state of states)
      claim(
        'told',
        // An end that the status still has since a later one could not be noted.
        (ENDS.includes(state) && wasNeverNoted(seen, drop.runId)) ||
          // Whether each try met a fault cannot be seen where the faults lasted that long.
          wasGivenUp(seen, drop.runId) ||
          ofDrop.some((one) => one.state === state),
        `nobody was told that ${drop.runId} is ${state}`,
      );
    // Its history is in the order of time, and a job's last word may come after the end was decided.
    const end = wasNeverNoted(seen, drop.runId)
      ? String(Object(parsed(seen.objects.get(`control/${drop.runId}.json`)).ended).outcome)
      : String(parsed(seen.objects.get(`runs/${drop.runId}/status.json`)).state);
    for (const { state } of ofDrop)
      claim(
        'told-one-end',
        !ENDS.includes(state) || state === end,
        `${drop.runId}: ${state} was told, ${end} it is`,
      );
    for (const { id, state } of ofDrop)
      claim(
        'mailed',
        mailed.has(id) || !MAILED.includes(state) || isGone(seen, drop),
        `nobody was written to of ${id}`,
      );
    claim(
      'one-id',
      new Set(ofDrop.map(sameThing)).size === new Set(ofDrop.map(({ id }) => id)).size,
      drop.runId,
    );
  }
  checkCopies(seen, claim);
}

/** Its version cannot be read any more: nobody knows who wanted a mail. */
function isGone(_: Seen, { deletedAt }: Seen['drops'][number]): boolean {
  return deletedAt !== undefined;
}

function checkCopies({ tellings }: Seen, claim: Claim): void {
  const copies = new Map<string, { all: number; excused: number }>();
  for (const { kind, id, sender } of tellings) {
    const known = copies.get(`${kind} ${id}`) ?? { all: 0, excused: 0 };
    known.all += 1;
    if (sender.isTroubled) known.excused += 1;
    copies.set(`${kind} ${id}`, known);
  }
  for (const [message, { all, excused }] of copies)
    claim(
      'told-once',
      all - 1 <= excused,
      `${message} was told ${all} times, ${excused} by troubled senders`,
    );
}

function sameThing({ state, runId, key, attempt, id }: Told): string {
  return state === 'stuck' ? id : `${state} ${runId ?? key} ${attempt}`;
}

/** What the run's folder says that it has gone through. */
function statesOf({ objects }: Seen, runId: string): string[] {
  const { history } = parsed(objects.get(`runs/${runId}/status.json`));
  return Array.isArray(history) ? history.map((entry) => String(Object(entry).state)) : [];
}

function toldBy(detail: string): Told {
  const { id, state, manifest, runId, attempt } = parsed(detail);
  return {
    id: String(id),
    state: String(state),
    key: String(Object(manifest).key),
    runId: runId === undefined ? undefined : String(runId),
    attempt: Number(attempt ?? 0),
  };
}

function parsed(text: string | undefined): Record<string, unknown> {
  const value: unknown = JSON.parse(text ?? '{}');
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
