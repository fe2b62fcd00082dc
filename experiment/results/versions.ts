import { createHash } from 'node:crypto';
import * as z from 'zod';
import { count, orAbsent, parseRecord, time, word } from '../records/fields.ts';

export const MAX_VERSIONS_BYTES = 4 * 1024 * 1024;
/** Linux takes paths of 4,096 bytes. */
const path = z.string().max(4096);
/** Of a folder; the oldest go first. */
const MAX_VERSIONS = 100;
/** Names of files that are told. */
export const MAX_LEFT_NAMED = 5;

const leftFiles = z.object({ count, names: z.array(path).max(MAX_LEFT_NAMED).readonly() });

/** Files of earlier inputs that are in none of these and still lie in the tasks' folder. */
export type LeftFiles = z.infer<typeof leftFiles>;

const version = z.object({
  id: word,
  /** Rows that start from then on are made by it, until the next one holds. */
  from: time,
  /** SHA-256 of each as it was sent; of a prefix that of its objects' names and hashes. */
  inputs: z
    .array(z.object({ to: path, sha256: word }))
    .max(10_000)
    .readonly(),
  /** The image's digest, as the container knows it; null where there is none. */
  image: word.nullable(),
  /** The manifest's, without what image, machine or this system add. */
  environment: z.record(word, z.string().max(64 * 1024)),
  left: orAbsent(leftFiles),
});

/** What results were made by. */
export type Version = z.infer<typeof version>;

export const versionsRecord = z.array(version).max(MAX_VERSIONS).readonly();

/** `runs/<run-id>/versions.json`, and the same on shared storage: oldest first. */
export function parseVersions(stored: string | undefined): readonly Version[] | undefined {
  return parseRecord(versionsRecord, stored);
}

/** What makes a version the one that it is. */
export type VersionParts = Pick<Version, 'inputs' | 'image' | 'environment'>;

/** The same parts have the same id. */
export function versionId({ inputs, image, environment }: VersionParts): string {
  const parts = [
    inputs.map(({ to, sha256 }) => [to, sha256]),
    image,
    Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1)),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}

/** The versions of a folder with the one that holds from now on. */
export function withVersion(known: readonly Version[], now: Version): readonly Version[] {
  return known.at(-1)?.id === now.id ? known : [...known, now].slice(-MAX_VERSIONS);
}

/** The version that made a row, by its start in seconds; undefined for one from before versions were noted. */
export function versionAt(known: readonly Version[], startTime: number): Version | undefined {
  return known.findLast(({ from }) => Date.parse(from) <= Math.round(startTime * 1000));
}

const PARTS = ['inputs', 'image', 'environment'] as const;

/** What differs between two versions, for people: `inputs and environment`. */
export function differenceSpoken(one: VersionParts, other: VersionParts): string {
  const nothing: VersionParts = { inputs: [], image: null, environment: {} };
  const names: string[] = PARTS.filter(
    (part) => versionId({ ...nothing, [part]: one[part] }) !== versionId({ ...nothing, [part]: other[part] }),
  );
  const last = names.pop() ?? '';
  return names.length === 0 ? last : `${names.join(', ')} and ${last}`;
}
