import { createHash, randomUUID } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Bodies, WrittenBody } from './bodies.ts';
import { s3Error } from './service-error.ts';

/** Up to this size a body is written and read in one piece. */
const IN_ONE_PIECE = 1024 * 1024;
/** Of the file systems in use. */
const LONGEST_NAME = 255;

/**
 * Bodies in a folder: `<folder>/<key>` holds exactly the current bytes of each object, so that a person finds what the
 * real bucket would hold. `currentVersion` tells the version that lies there. Older versions and half-written files lie in `<aside>`, out of sight.
 */
export function folderBodies(
  folder: string,
  aside: string,
  currentVersion: (key: string) => string | undefined,
): Bodies {
  const pathOf = (key: string) => join(folder, key);
  const asideOf = (versionId: string) => join(aside, versionId);
  const setAside = (key: string) => {
    const previous = currentVersion(key);
    if (previous !== undefined && existsSync(pathOf(key))) renameSync(pathOf(key), asideOf(previous));
  };

  return {
    write: async (body) => {
      const temporary = join(aside, `.new-${randomUUID()}`);
      const { size, md5 } = await writeHashed(temporary, body);
      return {
        size,
        md5,
        commit: (key) => {
          try {
            makeRoom(folder, key);
          } catch (error) {
            rmSync(temporary, { force: true });
            throw error;
          }
          setAside(key);
          renameSync(temporary, pathOf(key));
        },
        discard: () => rmSync(temporary, { force: true }),
      } satisfies WrittenBody;
    },
    read: (key, versionId, from, to) => {
      if (to < from) return new Uint8Array();
      const path = existsSync(asideOf(versionId)) ? asideOf(versionId) : pathOf(key);
      if (to - from < IN_ONE_PIECE) return readFileSync(path).subarray(from, to + 1);
      return createReadStream(path, { start: from, end: to });
    },
    hide: (key) => {
      setAside(key);
      // A run that was deleted leaves no folder that looks like one.
      for (let at = dirname(key); at.includes('/') && isEmpty(pathOf(at)); at = dirname(at))
        rmdirSync(pathOf(at));
    },
    drop: (_key, versionId) => rmSync(asideOf(versionId), { force: true }),
  };
}

/**
 * Makes the folders of a key. @throws InvalidArgument where the real S3 would hold both `a` and `a/b`, or a longer name
 */
function makeRoom(folder: string, key: string): void {
  const path = join(folder, key);
  const [longest = ''] = key.split('/').sort((a, b) => Buffer.byteLength(b) - Buffer.byteLength(a));
  if (Buffer.byteLength(longest) > LONGEST_NAME)
    throw s3Error('InvalidArgument', `a file's name has at most ${LONGEST_NAME} bytes, not ${longest}`);
  try {
    removeEmptyFolders(path);
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw s3Error('InvalidArgument', `the local bucket cannot hold ${key} beside what it holds: ${error}`);
  }
  if (existsSync(path) && statSync(path).isDirectory())
    throw s3Error('InvalidArgument', `the local bucket cannot hold ${key} beside the objects under ${key}/`);
}

/** What deleted objects have left behind is no object, and may become one. */
function removeEmptyFolders(path: string): void {
  if (!existsSync(path) || !statSync(path).isDirectory()) return;
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  if (entries.every((entry) => entry.isDirectory())) rmSync(path, { recursive: true });
}

function isEmpty(path: string): boolean {
  return existsSync(path) && readdirSync(path).length === 0;
}

async function writeHashed(
  path: string,
  body: Readable | Uint8Array,
): Promise<{ size: number; md5: string }> {
  const hash = createHash('md5');
  if (body instanceof Uint8Array) {
    try {
      writeFileSync(path, body);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
    return { size: body.length, md5: hash.update(body).digest('hex') };
  }
  let size = 0;
  let failed: unknown;
  const file = await open(path, 'w');
  try {
    for await (const chunk of body) {
      // What cannot be written is read all the same: whoever sends it hears an answer only then.
      if (failed !== undefined) continue;
      size += chunk.length;
      hash.update(chunk);
      failed = await file.appendFile(chunk).catch((error: unknown) => error);
    }
    if (failed !== undefined) throw failed;
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return { size, md5: hash.digest('hex') };
}
