import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Bucket } from '../../../aws/bucket.ts';
import type { Manifest } from '../../../experiment/manifest/parse.ts';
import { isBeside } from '../../../experiment/manifest/rules/paths.ts';
import { counted } from '../../../experiment/text/numbers.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import { readArchive } from '../../output/read-archive.ts';
import { judgeManifest } from '../manifest/judge.ts';

/** A program; data is large, and telling it apart would take longer than a person waits for a question. */
const MOST_BYTES = 1024 * 1024;
const MOST_ARCHIVE_BYTES = 50 * 1024 * 1024;
const NAMED = 3;
/** The end of the name under which `run` sends the manifest of a command. */
export const COMPOSED = '.sierra-batch.yaml';

/**
 * Which files beside the person a run was sent in another form, and how the new ones are run; undefined where they are the
 * same, or where it is not known which folder was sent.
 */
export async function changedSpoken(
  cwd: string,
  bucket: Bucket,
  runId: string,
  { manifest, fileName }: { manifest: Manifest; fileName: string },
): Promise<string | undefined> {
  const isFile = existsSync(resolve(cwd, fileName));
  const own = isFile ? inputsOf(cwd, fileName) : fileName.endsWith(COMPOSED) ? ['.'] : [];
  const changed: string[] = [];
  for (const [index, { from: key }] of (manifest.inputs ?? []).entries()) {
    const from = own[index];
    if (from === undefined || !isBeside(from) || !key.startsWith('inputs/')) continue;
    changed.push(...(await changedIn(cwd, from, bucket, key)));
  }
  if (changed.length === 0) return undefined;
  const more = changed.length > NAMED ? ` and ${counted(changed.length - NAMED, 'more', 'more')}` : '';
  const [differ, old, fresh] = changed.length === 1 ? ['differs', 'one', 'one'] : ['differ', 'ones', 'ones'];
  const again = isFile
    ? `run \`sierra-batch run ${fileName} --resume ${runId}\``
    : `repeat \`sierra-batch run …\` with \`--resume ${runId}\``;
  return `${changed.slice(0, NAMED).map(plainLine).join(', ')}${more} ${differ} from what this run was sent; \`sierra-batch resume\` runs the old ${old}. To run the new ${fresh}, ${again}.`;
}

function inputsOf(cwd: string, fileName: string): string[] {
  const judged = judgeManifest(cwd, fileName);
  return judged.ok ? (judged.manifest.inputs ?? []).map(({ from }) => from) : [];
}

async function changedIn(cwd: string, from: string, bucket: Bucket, key: string): Promise<string[]> {
  const head = await bucket.head(key);
  const place = resolve(cwd, from);
  const found = statSync(place, { throwIfNoEntry: false });
  if (found === undefined || head === undefined || head.size > MOST_ARCHIVE_BYTES) return [];
  const body = await bucket.stream(key);
  if (body === undefined) return [];
  const base = found.isDirectory() ? from : dirname(from);
  const changed: string[] = [];
  for (const [path, sent] of await readArchive(body, (_, size) => size <= MOST_BYTES)) {
    const shown = join(base, path);
    const file = statSync(resolve(cwd, shown), { throwIfNoEntry: false });
    if (file?.isFile() !== true) continue;
    if (file.size !== sent.length || !sent.equals(await readFile(resolve(cwd, shown)))) changed.push(shown);
  }
  return changed;
}
