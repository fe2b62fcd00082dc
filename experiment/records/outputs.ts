import * as z from 'zod';
import { parsedJson } from '../util/parse-json.ts';
import { count, orAbsent, parseRecord, text, word } from './fields.ts';

/** Some hundred bytes for each of the files that it may hold, and what the manifest named. */
export const MAX_OUTPUT_INDEX_BYTES = 64 * 1024 * 1024;
/** Files past these stand in `outputs.jsonl` alone. */
export const MOST_IN_INDEX = 10_000;
/** Of files that could not be sent; all are in node 0's log. */
export const MOST_NOT_SENT = 20;

/** Linux takes paths of 4,096 bytes. */
const path = z.string().max(4096);

const outputFile = z.object({
  path,
  size: count,
  sha256: word,
  /** Rights as `chmod` takes them: `755`. */
  mode: orAbsent(z.string().regex(/^[0-7]{3}$/)),
  /** The archive below `parts/` that holds it; absent of one that lies under `outputs/` by itself. */
  part: orAbsent(z.string().regex(/^[\w-]{1,100}\.tar\.gz$/)),
});

/** One file that a run has sent. */
export type OutputFile = z.infer<typeof outputFile>;

export const notSent = z.object({ path, why: text });

/** A file that could not be sent. */
export type NotSent = z.infer<typeof notSent>;

export const outputIndexRecord = z.object({
  files: z.array(outputFile).readonly(),
  /** Paths named in the manifest at which nothing was found. */
  missing: z.array(path).readonly(),
  /** How many files could not be sent. Absent when all were. */
  unsent: orAbsent(count),
  /** The first of these. */
  notSent: orAbsent(z.array(notSent).readonly()),
  /** How many files lay there before the run and were not written since, so that they are no results of it. */
  before: orAbsent(count),
  /** How many more files `runs/<run-id>/outputs.jsonl` lists. */
  listed: orAbsent(count),
});

/** `runs/<run-id>/outputs/index.json`. */
export type OutputIndex = z.infer<typeof outputIndexRecord>;

export function parseOutputIndex(stored: string | undefined): OutputIndex | undefined {
  return parseRecord(outputIndexRecord, stored);
}

/** A path of 4,096 bytes, each written as six in JSON. */
export const LONGEST_OUTPUT_LINE = 32 * 1024;

/** One line of `runs/<run-id>/outputs.jsonl`. */
export function parseOutputLine(line: string): OutputFile | undefined {
  return outputFile.safeParse(parsedJson(line)).data;
}
