import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { createWriteStream, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from '@commander-js/extra-typings';
import { fileSha256 } from '../../../aws/file-sha256.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { parsePlan } from '../../../experiment/plan/plan.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import type { OutputIndex } from '../../../experiment/records/outputs.ts';
import { parseOutputIndex } from '../../../experiment/records/outputs.ts';
import { areNamed } from '../../../experiment/results/named-outputs.ts';
import { counted } from '../../../experiment/text/numbers.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import { sideBySide } from '../../../experiment/util/for-each-limit.ts';
import { example, RUN_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { readRecord } from '../../context/run-store.ts';
import { chosenRun, statusOf } from '../../context/select-run.ts';
import type { Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';

type OutputFile = OutputIndex['files'][number];

/** Files under way at once. */
const AT_ONCE = 8;

/** `sierra-batch fetch RUN [DIR]` */
export function defineFetch(program: Command, { begin }: Running): void {
  withSystem(program.command('fetch'))
    .summary('fetch the outputs of a run')
    .description(
      'Fetches the outputs of a run into a folder, each file checked by size and SHA-256: what the manifest’s `outputs` name, and nothing else. What is there already is not fetched again, and a file of yours that differs stays.',
    )
    .argument('[run]', RUN_HELP, runIdArgument)
    .argument('[folder]', 'where to; a new folder with the run’s id when left out')
    .option('--force', 'replace files that are there already and differ')
    .addHelpText('after', example('sierra-batch fetch speed-sweep-0123456789a results'))
    .action((run, folder, options) => begin(options, (context) => fetch(context, run, folder, options)));
}

/** A file that is there already, with the same bytes, is left alone. */
export async function fetch(
  context: Context,
  named: string | undefined,
  folder: string | undefined,
  { force = false }: { force?: true | undefined | false } = {},
): Promise<number> {
  const { terminal, cwd } = context;
  const target = await context.target();
  const runId = await chosenRun(context, target, named);
  const { state } = await statusOf(target, runId);
  const keys = runKeys(runId);
  const [index, plan] = await Promise.all([
    readRecord(target.store, keys.outputIndex, parseOutputIndex),
    readRecord(target.store, keys.plan, parsePlan),
  ]);
  if (index === undefined) throw new CommandFailed(`the run ${runId} is ${state} and has sent no outputs`, 1);
  const shown = folder ?? runId;
  const into = resolve(cwd, shown);
  const isNamed = areNamed(plan?.outputs ?? []);
  const faults: string[] = [];
  let fetched = 0;
  await sideBySide(index.files, AT_ONCE, async (file) => {
    const fault = isNamed(file.path)
      ? await fetchFile(target, runId, file, { into, force }).catch(sentenceOf)
      : 'is not named in the manifest’s `outputs`';
    if (fault === undefined) fetched += 1;
    else faults.push(`${plainLine(file.path)}: ${fault}`);
  });
  for (const path of index.missing)
    terminal.remark(`${plainLine(path)}: named in the manifest, and the run made no such file`);
  for (const fault of faults) terminal.remark(fault);
  if (context.asJson) terminal.json({ runId, folder: shown, fetched, faults, missing: index.missing });
  else
    terminal.say(`${counted(fetched, 'file')} in ${shown}, each with the size and SHA-256 that the run told`);
  return faults.length === 0 ? EXIT.succeeded : EXIT.tasksFailed;
}

/** What is wrong with the file, or undefined once it lies there as the index says. */
async function fetchFile(
  target: Target,
  runId: string,
  file: OutputFile,
  { into, force }: { into: string; force: boolean },
): Promise<string | undefined> {
  const path = join(into, file.path);
  const inside = relative(into, path);
  // The index was written by a node, where a user's program ran.
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside))
    return 'would lie outside of the folder';
  const trouble = makeFolders(into, inside.split('/').slice(0, -1));
  if (trouble !== undefined) return trouble;
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (await isSame(path, found, file)) return undefined;
  if (found !== undefined && !force) return 'is there already with other content; --force replaces it';
  const body = await target.store.stream(`${runKeys(runId).outputs}${file.path}`);
  if (body === undefined) return 'is in the index and not in the bucket';
  const part = `${path}.part-${process.pid}`;
  const remove = () => rmSync(part, { force: true });
  process.once('exit', remove); // Ctrl-C leaves no half of a file.
  try {
    const hash = createHash('sha256');
    let size = 0;
    const measure = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        hash.update(chunk);
        size += chunk.length;
        done(null, chunk);
      },
    });
    await pipeline(body, measure, createWriteStream(part, { flags: 'wx' }));
    if (size !== file.size) return `has ${size} bytes instead of ${file.size}`;
    if (hash.digest('hex') !== file.sha256) return 'has another SHA-256 than the run told';
    renameSync(part, path);
    return undefined;
  } finally {
    process.off('exit', remove);
    remove();
  }
}

/** Makes the folders that a file lies in; answers why that cannot be. A link could lead anywhere. */
function makeFolders(into: string, names: readonly string[]): string | undefined {
  mkdirSync(into, { recursive: true });
  let folder = into;
  for (const name of names) {
    folder = join(folder, name);
    mkdirSync(folder, { recursive: true });
    if (!lstatSync(folder).isDirectory()) return `would be written through a link: ${relative(into, folder)}`;
  }
  return undefined;
}

async function isSame(
  path: string,
  found: Stats | undefined,
  { size, sha256 }: OutputFile,
): Promise<boolean> {
  return found?.isFile() === true && found.size === size && (await fileSha256(path)) === sha256;
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
