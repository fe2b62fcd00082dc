import * as z from 'zod';

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
