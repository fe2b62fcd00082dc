import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { commandsIn } from '../../../experiment/commands/lines.ts';
import { MAX_COMMAND_BYTES } from '../../../experiment/commands/list.ts';
import type { Manifest } from '../../../experiment/manifest/parse.ts';
import { commandFileOf, commandsOf } from '../../../experiment/manifest/parse.ts';
import { boundedLines } from '../../../experiment/text/bounded-lines.ts';
import { CommandFailed } from '../../errors/failure.ts';

/** Some of the tasks, to be tried before the others. */
export interface Few {
  /** By number, from 1 on; both ends included. */
  only?: readonly (readonly [first: number, last: number])[] | undefined;
  sample?: number | undefined;
}

/** They are written into the manifest one by one. */
const MOST = 1000;

/** `1-4`, `7`, `1,5-7`. @throws commander's error, which names the option */
export function ranges(text: string): (readonly [number, number])[] {
  return text.split(',').map((part) => {
    const [first = '', last = first, ...more] = part.split('-');
    const isRange = [first, last].every((number) => /^\d{1,9}$/.test(number)) && more.length === 0;
    if (!isRange || Number(first) < 1 || Number(last) < Number(first))
      throw new InvalidArgumentError('Numbers of tasks look like 1-4, 7 or 1,5-7.');
    return [Number(first), Number(last)] as const;
  });
}

/** The commands of a manifest on the user's disk that run something, in the order of their numbers; undefined where only the nodes know them. */
export function linesOf(
  manifest: Manifest,
  file: string,
): Iterable<string> | AsyncIterable<string> | undefined {
  const written = commandFileOf(manifest);
  const beside = join(dirname(file), written?.path ?? '');
  return written !== undefined && existsSync(beside)
    ? boundedLines(commandsIn(createReadStream(beside), written.source()), {
        most: MAX_COMMAND_BYTES,
        whole: true,
      })
    : commandsOf(manifest)?.lines;
}

/**
 * A sample is the tasks whose commands have the smallest hashes: spread over all parameters, and the same each time.
 * @throws CommandFailed where there are none, or too many
 */
export async function chooseFew(
  manifest: Manifest,
  file: string,
  { only, sample = 0 }: Few,
): Promise<string[]> {
  const lines = linesOf(manifest, file);
  if (lines === undefined)
    throw new CommandFailed(
      '--only and --sample choose among commands, and this manifest does not list them',
    );
  let chosen: { number: number; command: string; hash: string }[] = [];
  let number = 0;
  for await (const command of lines) {
    number += 1;
    if (only?.some(([first, last]) => first <= number && number <= last) === false) continue;
    const hash = only === undefined ? createHash('sha256').update(command).digest('hex') : '';
    chosen.push({ number, command, hash });
    if (only === undefined && chosen.length > 2 * sample) chosen = smallest(chosen, sample);
    if (only !== undefined && chosen.length > MOST)
      throw new CommandFailed(`--only takes at most ${MOST} tasks`);
  }
  if (only === undefined) chosen = smallest(chosen, sample);
  if (chosen.length === 0) throw new CommandFailed(`--only names none of the ${number} tasks`);
  return chosen.toSorted((a, b) => a.number - b.number).map(({ command }) => command);
}

function smallest<One extends { hash: string }>(all: readonly One[], count: number): One[] {
  return all.toSorted((a, b) => (a.hash < b.hash ? -1 : 1)).slice(0, count);
}
