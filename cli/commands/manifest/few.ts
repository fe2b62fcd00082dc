import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { commandsIn } from '../../../experiment/commands/lines.ts';
import { MAX_COMMAND_BYTES } from '../../../experiment/commands/list.ts';
import type { Manifest } from '../../../experiment/manifest/parse.ts';
import { commandFileOf, commandsOf } from '../../../experiment/manifest/parse.ts';
import { designOf } from '../../../experiment/plan/make.ts';
import type { TaskSource } from '../../../experiment/plan/planned-tasks.ts';
import { plannedTasks } from '../../../experiment/plan/planned-tasks.ts';
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

/** What `run.commands` is to be for them: parameters stay parameters, so that the run's table has them. */
export type ChosenCommands = { list: string[] } | { template: string; zip: Record<string, string[]> };

/**
 * A sample is the tasks whose commands have the smallest hashes: spread over all parameters, and the same each time.
 * @throws CommandFailed where there are none, or too many
 */
export async function chooseFew(
  manifest: Manifest,
  file: string,
  { only, sample = 0 }: Few,
): Promise<ChosenCommands> {
  const source = await tasksOf(manifest, file);
  if (source === undefined)
    throw new CommandFailed(
      '--only and --sample choose among commands, and this manifest does not list them',
    );
  let chosen: Candidate[] = [];
  let total = 0;
  for await (const { seq, values, command } of source.tasks()) {
    total = seq;
    if (only?.some(([first, last]) => first <= seq && seq <= last) === false) continue;
    const hash = only === undefined ? createHash('sha256').update(command).digest('hex') : '';
    chosen.push({ seq, values, command, hash });
    if (only === undefined && chosen.length > 2 * sample) chosen = smallest(chosen, sample);
    if (only !== undefined && chosen.length > MOST)
      throw new CommandFailed(`--only takes at most ${MOST} tasks`);
  }
  if (only === undefined) chosen = smallest(chosen, sample);
  if (chosen.length === 0) throw new CommandFailed(`--only names none of the ${total} tasks`);
  chosen.sort((a, b) => a.seq - b.seq);
  const { template } = manifest.run.commands ?? {};
  if (template === undefined || source.keys.length === 0)
    return { list: chosen.map(({ command }) => command) };
  const columns = source.keys.map((key, at) => [key, chosen.map(({ values }) => values[at] ?? '')] as const);
  return { template, zip: Object.fromEntries(columns) };
}

interface Task {
  seq: number;
  /** One for each key. */
  values: readonly string[];
  command: string;
}

type Candidate = Task & { hash: string };

async function tasksOf(
  manifest: Manifest,
  file: string,
): Promise<{ keys: readonly string[]; tasks(): AsyncIterable<Task> } | undefined> {
  const lines = linesOf(manifest, file);
  if (lines === undefined) return undefined;
  const design = designOf(manifest, undefined);
  if (design === undefined) return { keys: [], tasks: () => numbered(lines) };
  const table = join(dirname(file), commandFileOf(manifest)?.path ?? '');
  const work = { kind: 'commands', file: { kind: 'in-work', path: table }, design } as const;
  const planned = await plannedTasks(async () => createReadStream(table), work);
  return { keys: planned.keys, tasks: () => designed(planned) };
}

async function* numbered(lines: Iterable<string> | AsyncIterable<string>): AsyncGenerator<Task> {
  let seq = 0;
  for await (const command of lines) {
    seq += 1;
    yield { seq, values: [], command };
  }
}

async function* designed(source: TaskSource): AsyncGenerator<Task> {
  for await (const batch of source.tasks())
    for (const { command, ...task } of batch) if (command !== null) yield { ...task, command };
}

function smallest<One extends { hash: string }>(all: readonly One[], count: number): One[] {
  return all.toSorted((a, b) => (a.hash < b.hash ? -1 : 1)).slice(0, count);
}
