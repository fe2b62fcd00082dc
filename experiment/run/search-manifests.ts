import * as z from 'zod';
import { parsedJson } from '../util/parse-json.ts';

export const manifestSearchRecord = z.object({
  version: z.literal(1),
  /** When this pass over all manifests began, and the pass before it. */
  beganAt: z.number(),
  previousAt: z.number().optional(),
  /** Whatever was dropped until then is answered or given up. */
  since: z.number(),
  /** The last version that this pass has looked at; absent once the pass is over. */
  cursor: z.object({ key: z.string(), version: z.string() }).optional(),
  /** When the oldest manifest was dropped that this pass found without an answer. */
  waitingSince: z.number().optional(),
});

/**
 * `control/manifest-search.json`: how far settle has come in its search for manifests whose event was lost. Each record is
 * true by itself, so that of two copies either may write last. Times in ms since the epoch.
 */
export type ManifestSearch = z.infer<typeof manifestSearchRecord>;

/** Milliseconds that a manifest is left to S3's own event, which comes within a minute, and to an ingest that takes long. */
const GRACE_MS = 5 * 60_000;
/** Nobody waits for the run of an older manifest any more. */
const MAX_AGE_MS = 24 * 3_600_000;

/** Goes on with the pass of a stored record, or begins the next one. A record that cannot be read costs a look at a day's manifests. */
export function resumeSearch(text: string | undefined, now: number): ManifestSearch {
  const { success, data: stored } = manifestSearchRecord.safeParse(parsedJson(text));
  const dayAgo = now - MAX_AGE_MS;
  if (!success) return { version: 1, beganAt: now, since: dayAgo };
  if (stored.cursor !== undefined) return stored;
  const { beganAt, waitingSince = Number.POSITIVE_INFINITY } = stored;
  const since = Math.max(dayAgo, Math.min(beganAt - GRACE_MS, waitingSince - 1));
  return { version: 1, beganAt: now, previousAt: beganAt, since };
}

/** Whether this pass looks at a manifest that was dropped then: old enough, and by no earlier pass known to be answered. */
export function isLookedAt({ since, beganAt }: ManifestSearch, droppedAt: number): boolean {
  return droppedAt > since && droppedAt <= beganAt - GRACE_MS;
}

/** Whether a manifest without an answer is to be handed to ingest by this pass: at each doubling of its age, nine times a day. */
export function isDue({ beganAt, previousAt }: ManifestSearch, droppedAt: number): boolean {
  const doublings = (at: number) => Math.floor(Math.log2(Math.max(at - droppedAt, 1) / GRACE_MS));
  return previousAt === undefined || doublings(beganAt) > Math.max(doublings(previousAt), -1);
}
