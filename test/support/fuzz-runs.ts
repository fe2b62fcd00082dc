/**
 * How often a property over foreign bytes is tried: `SIERRA_BATCH_FUZZ=1000 npx vitest run --project fast
 * --test-timeout=0 test/experiment/records/foreign-bytes.test.ts` tries a thousand times as often, with fresh seeds.
 */
export function fuzzRuns(usual: number): { numRuns: number } {
  return { numRuns: usual * Number(process.env.SIERRA_BATCH_FUZZ ?? 1) };
}
