import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { createInterface } from 'node:readline';
import type { Plan } from '../../experiment/plan/plan.ts';
import { SET_ASIDE, WholeRuns } from '../../experiment/results/whole-runs.ts';
import { sierraBatchRoot } from '../../experiment/sierra/arguments.ts';
import { isSurelyThere } from '../util/is-there.ts';
import { namesIn } from '../util/names-in.ts';
import { openFile } from '../util/open-file.ts';
import { hasCode } from '../util/system-errors.ts';
import { finalRows } from './joblog-file.ts';

/** Where SIERRA's stages from the third on look for runs. */
const OUTPUTS = 'exp-outputs';
const RUN_FOLDER = /_run\d+_output$/;

/**
 * Leaves in `exp-outputs` the outputs of whole runs only: those of others go to `exp-failed` beside it, and a run that has
 * become whole comes back. May be repeated, also after it was cut off in the middle. Answers undefined, and moves nothing,
 * where the batch root has no joblog: then nobody knows what became of its runs.
 * @param root the batch root
 * @throws the file system's errors
 */
export async function keepWholeRuns(
  root: string,
): Promise<{ runs: WholeRuns; setAside: number } | undefined> {
  const joblog = join(root, 'scratch/parallel.log');
  const commands = join(root, 'commands.txt');
  if (!(await isSurelyThere(joblog)) || !(await isSurelyThere(commands))) return undefined;
  const runs = new WholeRuns();
  const rows = new Map((await finalRows(joblog)).map((row) => [row.seq, row]));
  let seq = 0;
  for await (const command of createInterface({ input: (await openFile(commands)).createReadStream() })) {
    seq += 1;
    runs.judge(command, rows.get(seq));
  }
  await bringBack(root, (experiment, folder) => runs.isWhole(experiment, folder) === true);
  let setAside = 0;
  for (const { experiment } of runs.experiments())
    for (const folder of await namesIn(join(root, OUTPUTS, experiment)))
      if (RUN_FOLDER.test(folder) && runs.isWhole(experiment, folder) === false) {
        const to = join(root, SET_ASIDE, experiment, folder);
        // What an earlier try has left is worth less.
        await rm(to, { recursive: true, force: true });
        await move(join(root, OUTPUTS, experiment, folder), to);
        setAside += 1;
      }
  return { runs, setAside };
}

/**
 * Puts what was set aside where its run has left it, so that a run that is repeated finds the folders that stage 1 made for
 * it. What has been written there meanwhile is newer and stays.
 * @throws the file system's errors
 */
export async function bringBack(
  root: string,
  isWanted: (experiment: string, folder: string) => boolean = () => true,
): Promise<void> {
  const aside = join(root, SET_ASIDE);
  for (const experiment of await namesIn(aside)) {
    for (const folder of await namesIn(join(aside, experiment))) {
      if (!isWanted(experiment, folder)) continue;
      const from = join(aside, experiment, folder);
      const to = join(root, OUTPUTS, experiment, folder);
      if (await isSurelyThere(to)) await rm(from, { recursive: true, force: true });
      else await move(from, to);
    }
    await removeEmpty(join(aside, experiment));
  }
  await removeEmpty(aside);
}

/** The plan's outputs, and where they name runs by `exp-outputs` also what was set aside of these. */
export async function outputsWithSetAside(
  { work, outputs }: Pick<Plan, 'work' | 'outputs'>,
  folder: string,
): Promise<string[]> {
  const root = work.kind === 'sierra' ? sierraBatchRoot(work.args) : undefined;
  if (root === undefined) return [...outputs];
  const below = `${root}/${OUTPUTS}/`;
  const aside = outputs.flatMap((output) => {
    const named = normalize(`${output}/`);
    return named.startsWith(below) ? [`${root}/${SET_ASIDE}/${named.slice(below.length)}`] : [];
  });
  const there = await Promise.all(aside.map((output) => isSurelyThere(join(folder, output))));
  return [...outputs, ...aside.filter((_, index) => there[index])];
}

async function move(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
}

async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST')) throw error;
  });
}
