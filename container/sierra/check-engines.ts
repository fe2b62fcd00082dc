import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { CheckFault } from '../../experiment/records/progress.ts';
import type { AttemptPart } from '../attempt/attempt.ts';
import type { Cluster } from '../join/cluster.ts';
import { commandOutput } from '../util/run-command.ts';
import { shellWord } from '../util/shell-quote.ts';

const LOOK_MS = 20_000;
const MAX_PROGRAMS = 5;
/** What `command -v` says of a program that is not there, through a node's own shell. */
const MISSING = 97;

/**
 * Whether every node has the programs that runs begin with: on a node without the engine each run fails within
 * milliseconds, so it would take the whole queue. Asked over ssh between stages 1 and 2, with the tasks' own PATH.
 * A node that does not answer is left to the join.
 */
export async function checkEngines(
  { roster, log }: AttemptPart<'roster' | 'log'>,
  cluster: Cluster,
  commandsFile: string,
  path: string | undefined,
): Promise<CheckFault[]> {
  const programs = await programsOf(commandsFile);
  if (programs.length === 0) return [];
  const script = [
    ...(path === undefined ? [] : [`export PATH=${shellWord(path)};`]),
    ...programs.map(
      (program) => `command -v ${shellWord(program)} >/dev/null || { echo ${shellWord(program)}; m=1; };`,
    ),
    `[ -z "$m" ] || exit ${MISSING}`,
  ].join(' ');
  const answers = await Promise.all(
    roster.live().map(async ({ index, address }) => {
      const said = await commandOutput(
        'ssh',
        ['-F', cluster.sshConfig, '-T', address, '--', `/bin/bash -c ${shellWord(script)}`],
        { timeoutMs: LOOK_MS },
      );
      return { index, said };
    }),
  );
  log('Sierra:EnginesChecked', { programs, nodes: answers.length });
  return answers.flatMap(({ index, said }) =>
    said.code !== MISSING
      ? []
      : said.stdout
          .trim()
          .split('\n')
          .map((program) => ({
            node: index,
            check: 'no-engine',
            what: `${program}, with which runs begin, is not there (PATH ${path ?? 'of its own'})`,
            todo: 'use one image for all nodes, with the simulator in it, or name its folder in `environment.PATH`',
          })),
  );
}

/**
 * The first words of the commands; only plain ones, since others (`cd x && …`, `A=1 sim`) say nothing for sure, and a path
 * such as `./sim` begins in the tasks' folder, which is not where this is asked.
 */
async function programsOf(commandsFile: string): Promise<string[]> {
  const programs = new Set<string>();
  const lines = createInterface({
    input: createReadStream(commandsFile),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const line of lines) {
    const word = /^(?:\/[\w./+-]+|[\w.+-]+)(?=\s|$)/.exec(line.trimStart())?.[0];
    if (word !== undefined) programs.add(word);
    if (programs.size >= MAX_PROGRAMS) break;
  }
  lines.close();
  return [...programs];
}
