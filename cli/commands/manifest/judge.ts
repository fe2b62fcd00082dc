import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Deployment } from '../../../experiment/deployment/deployment.ts';
import { deploymentFaults } from '../../../experiment/manifest/deployment-faults.ts';
import type { Manifest } from '../../../experiment/manifest/parse.ts';
import { parseManifest } from '../../../experiment/manifest/parse.ts';
import { isBeside } from '../../../experiment/manifest/rules/paths.ts';
import { faultAt } from '../../../experiment/manifest/rules/schema-faults.ts';
import type { Fault } from '../../../experiment/manifest/source/fault.ts';
import { renderFaults } from '../../../experiment/manifest/source/fault.ts';
import type { Source } from '../../../experiment/manifest/source/read.ts';
import { manifestFormat } from '../../../experiment/manifest/source/read.ts';
import { readManifestFile } from '../../../submission/read-manifest-file.ts';

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

export function judgeManifest(cwd: string, shownAs: string, deployment?: Deployment): JudgedManifest {
  const file = resolve(cwd, shownAs);
  const read = readManifestFile(file, shownAs);
  if (!read.ok) return { file, shownAs, ok: false, text: '', faults: [unreadable(read.why)] };
  const parsed = parseManifest(read.bytes, manifestFormat(file), { origin: 'file' });
  if (!parsed.ok) return { file, shownAs, ...parsed };
  const { manifest, source } = parsed;
  const faults = [
    ...missingFolders(manifest, source, dirname(file)),
    ...missingList(manifest, source, dirname(file)),
    ...(deployment === undefined ? [] : deploymentFaults(manifest, source, deployment)),
  ];
  if (faults.length > 0) return { file, shownAs, ok: false, faults, text: source.text };
  return { file, shownAs, ...parsed };
}

/** What the user reads of a manifest that is not right, or not quite. */
export function renderJudged(judged: JudgedManifest): string {
  if (!judged.ok) return renderFaults(judged.faults, judged.shownAs, judged.text);
  return judged.warnings
    .map((warning) => `warning: ${renderFaults([warning], judged.shownAs, judged.source.text)}`)
    .join('');
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

/** A list of commands that is not beside the manifest may come with inputs, or lie in a folder that is there already. */
function missingList(manifest: Manifest, source: Source, beside: string): Fault[] {
  const { run, inputs = [], workspace, resume } = manifest;
  const list = run.commands?.file;
  if (list === undefined || list.startsWith('s3://')) return [];
  const isFile = statSync(resolve(beside, list), { throwIfNoEntry: false })?.isFile();
  if (isFile === true) return [];
  const mayCome = inputs.length > 0 || workspace !== undefined || resume !== undefined;
  if (isFile === undefined && mayCome) return [];
  const message =
    isFile === false
      ? `${list} is not a file`
      : `there is no file ${list} beside the manifest (${resolve(beside, list)}), and there are no inputs to bring it`;
  return [faultAt(source, ['run', 'commands', 'file'], { code: 'no-such-file', message })];
}

function unreadable(message: string): Fault {
  return { code: 'unreadable-file', path: '', line: 0, column: 0, text: '', message };
}
