import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { messageOf } from '../../../aws/errors.ts';
import { BadList } from '../../../experiment/commands/lines.ts';
import type { Deployment } from '../../../experiment/deployment/deployment.ts';
import { deploymentFaults } from '../../../experiment/manifest/deployment-faults.ts';
import type { Manifest } from '../../../experiment/manifest/parse.ts';
import { commandFileOf, parseManifest } from '../../../experiment/manifest/parse.ts';
import { ListMisses } from '../../../experiment/manifest/rules/list-misses.ts';
import { isBeside } from '../../../experiment/manifest/rules/paths.ts';
import { faultAt } from '../../../experiment/manifest/rules/schema-faults.ts';
import type { Fault } from '../../../experiment/manifest/source/fault.ts';
import { renderFaults } from '../../../experiment/manifest/source/fault.ts';
import type { Source } from '../../../experiment/manifest/source/read.ts';
import { manifestFormat } from '../../../experiment/manifest/source/read.ts';
import { readManifestFile } from '../../../submission/read-manifest-file.ts';
import { CommandFailed } from '../../errors/failure.ts';

/** A manifest of the user's disk, judged: also for the folders that it names, and for a deployment where one is known. */
export type JudgedManifest = {
  /** Absolute. */
  file: string;
  /** As the user wrote it. */
  shownAs: string;
} & (
  | { ok: true; manifest: Manifest; source: Source; warnings: Fault[] }
  | { ok: false; faults: Fault[]; text: string }
);

/** @param text of a manifest that is not on the disk; its file is then only the place that paths start from */
export function judgeManifest(
  cwd: string,
  shownAs: string,
  { deployment, text }: { deployment?: Deployment | undefined; text?: string | undefined } = {},
): JudgedManifest {
  const file = resolve(cwd, shownAs);
  const read =
    text === undefined ? readManifestFile(file, shownAs) : { ok: true as const, bytes: Buffer.from(text) };
  if (!read.ok) return { file, shownAs, ok: false, text: '', faults: [unreadable(read.why)] };
  const parsed = parseManifest(read.bytes, manifestFormat(file), { origin: 'file' });
  if (!parsed.ok) return { file, shownAs, ...parsed };
  const { manifest, source } = parsed;
  const faults = [
    ...missingFolders(manifest, source, dirname(file)),
    ...missingList(manifest, source, dirname(file)),
    ...(deployment === undefined ? [] : deploymentFaults(manifest, source, deployment)),
  ];
  const list = judgeFile(manifest, source, dirname(file));
  faults.push(...list.faults);
  if (faults.length > 0) return { file, shownAs, ok: false, faults, text: source.text };
  return { file, shownAs, ...parsed, warnings: [...parsed.warnings, ...list.warnings] };
}

/** What the user reads of a manifest that is not right, or not quite. */
export function renderJudged(judged: JudgedManifest): string {
  if (!judged.ok) return renderFaults(judged.faults, judged.shownAs, judged.text);
  return judged.warnings
    .map((warning) => `warning: ${renderFaults([warning], judged.shownAs, judged.source.text)}`)
    .join('');
}

/** What of each folder beside it a manifest sends. @throws CommandFailed where one cannot be sent */
export async function lookAtInputs(
  { file, manifest }: { file: string; manifest: Manifest },
  say: (remark: string) => void = () => undefined,
) {
  const { NothingToPack, surveyInputs } = await import('../../../submission/survey.ts');
  try {
    const sent = await surveyInputs(file, manifest);
    for (const remark of sent.flatMap(({ remarks }) => remarks)) say(remark);
    return sent;
  } catch (error) {
    throw error instanceof NothingToPack ? new CommandFailed(error.message) : error;
  }
}

function missingFolders({ inputs = [] }: Manifest, source: Source, beside: string): Fault[] {
  return inputs.flatMap(({ from }, index) => {
    if (!isBeside(from)) return [];
    const found = statSync(resolve(beside, from), { throwIfNoEntry: false });
    if (found?.isDirectory() === true || found?.isFile() === true) return [];
    const message =
      found === undefined
        ? `there is no file or folder ${from} beside the manifest (${resolve(beside, from)})`
        : `${from} is neither a file nor a folder`;
    return [faultAt(source, ['inputs', index, 'from'], { code: 'no-such-folder', message })];
  });
}

/** A list of commands or a table that is not beside the manifest may come with inputs, or lie in a folder that is there already. */
function missingList(manifest: Manifest, source: Source, beside: string): Fault[] {
  const { inputs = [], workspace, resume } = manifest;
  const { key = 'file', path: list } = commandFileOf(manifest) ?? {};
  if (list === undefined || list.startsWith('s3://')) return [];
  const isFile = statSync(resolve(beside, list), { throwIfNoEntry: false })?.isFile();
  if (isFile === true) return [];
  const mayCome = inputs.length > 0 || workspace !== undefined || resume !== undefined;
  if (isFile === undefined && mayCome) return [];
  const message =
    isFile === false
      ? `${list} is not a file`
      : `there is no file ${list} beside the manifest (${resolve(beside, list)}), and there are no inputs to bring it`;
  return [faultAt(source, ['run', 'commands', key], { code: 'no-such-file', message })];
}

const BLOCK_BYTES = 1024 * 1024;

/** Where the list or the table lies on this machine: beside the manifest, or in what lies there and is sent as an input. */
function placeOf(file: string, { inputs = [] }: Manifest, beside: string): string | undefined {
  if (file.startsWith('s3://')) return undefined;
  const among = inputs
    .filter(({ from }) => isBeside(from))
    .flatMap(({ from, to }) => {
      const below = relative(to, file);
      return below.startsWith('..') ? [] : [resolve(beside, from, below), resolve(beside, from)];
    });
  const isNamed = (path: string) => basename(path) === basename(file);
  return [resolve(beside, file), ...among.filter(isNamed)].find(
    (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true,
  );
}

/** What ingest or node 0 would refuse of a list or a table on this machine, and what its commands may have by mistake. */
function judgeFile(
  manifest: Manifest,
  source: Source,
  beside: string,
): { faults: Fault[]; warnings: Fault[] } {
  const file = commandFileOf(manifest);
  const path = file === undefined ? undefined : placeOf(file.path, manifest, beside);
  if (file === undefined || path === undefined) return { faults: [], warnings: [] };
  const at = (code: string, message: string) =>
    faultAt(source, ['run', 'commands', file.key], { code, message: `${file.path}: ${message}` });
  const { warnings, take } = new ListMisses(relative(beside, path));
  const commands = file.source(take);
  try {
    for (const block of blocksOf(path)) for (const _ of commands.take(block));
    for (const _ of commands.end());
    return { faults: [], warnings };
  } catch (error) {
    if (error instanceof BadList) return { faults: [at('bad-commands', error.message)], warnings };
    return { faults: [at('unreadable', messageOf(error))], warnings };
  }
}

function* blocksOf(path: string): Generator<Buffer> {
  const file = openSync(path, 'r');
  try {
    const block = Buffer.alloc(BLOCK_BYTES);
    for (let read = readSync(file, block); read > 0; read = readSync(file, block))
      yield block.subarray(0, read);
  } finally {
    closeSync(file);
  }
}

function unreadable(message: string): Fault {
  return { code: 'unreadable-file', path: '', line: 0, column: 0, text: '', message };
}
