import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import type { Bodies } from './bodies.ts';
import { folderBodies } from './folder-bodies.ts';
import type { ObjectVersion } from './object-index.ts';
import { ObjectIndex } from './object-index.ts';

export interface FolderBucket {
  bodies: Bodies;
  index: ObjectIndex;
  /** Writes a version into the journal. */
  record: (version: ObjectVersion) => void;
}

/**
 * The bucket in a folder, kept between starts: `<folder>/bucket/<key>` and, out of sight, `<folder>/bucket-versions/` with
 * a journal of what was written. Files that a person put into the bucket by hand are taken in as they are.
 */
export function openFolderBucket(folder: string): FolderBucket {
  const bucket = join(folder, 'bucket');
  const aside = join(folder, 'bucket-versions');
  const journal = join(aside, 'journal.jsonl');
  mkdirSync(bucket, { recursive: true });
  mkdirSync(aside, { recursive: true });
  const index = loadJournal(journal);
  for (const key of filesIn(bucket)) {
    if (!matchesFile(index.current(key), join(bucket, key))) index.add(adopted(key, join(bucket, key)));
  }
  for (const key of [...index.keys('', '')]) {
    const current = index.current(key);
    if (current !== undefined && current.deleted !== true && !existsSync(join(bucket, key))) {
      index.add({ ...current, versionId: `${current.versionId}-gone`, etag: '', size: 0, deleted: true });
    }
  }
  // Older versions do not outlive the system that wrote them.
  for (const name of readdirSync(aside))
    if (name !== 'journal.jsonl') rmSync(join(aside, name), { force: true });
  compact(journal, index);
  const bodies = folderBodies(bucket, aside, (key) => index.current(key)?.versionId);
  return {
    bodies,
    index,
    record: (version) => appendFileSync(journal, `${JSON.stringify(version)}\n`),
  };
}

function loadJournal(path: string): ObjectIndex {
  const index = new ObjectIndex();
  if (!existsSync(path)) return index;
  const text = readFileSync(path, 'utf8');
  // A line cut off by a crash or a full disk, with what was written behind it: its file is taken in by its content.
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    const version = versionIn(line);
    if (version !== undefined) index.add(version);
  }
  return index;
}

function versionIn(line: string): ObjectVersion | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function compact(path: string, index: ObjectIndex): void {
  const lines: string[] = [];
  for (const key of index.keys('', '')) {
    const current = index.current(key);
    if (current !== undefined && current.deleted !== true) lines.push(`${JSON.stringify(current)}\n`);
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, lines.join(''));
  renameSync(`${path}.new`, path);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

/** Hashing every file at every start would be slow: a file of the right size, not newer than its record, is the one recorded. */
function matchesFile(version: ObjectVersion | undefined, path: string): boolean {
  if (version === undefined || version.deleted === true) return false;
  const { size, mtimeMs } = statSync(path);
  return size === version.size && mtimeMs <= version.lastModified + 1000;
}

function adopted(key: string, path: string): ObjectVersion {
  const bytes = readFileSync(path);
  const md5 = createHash('md5').update(bytes).digest('hex');
  return {
    key,
    versionId: `by-hand-${md5}`,
    etag: `"${md5}"`,
    size: bytes.length,
    lastModified: statSync(path).mtimeMs,
  };
}
