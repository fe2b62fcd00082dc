import type { Command } from '@commander-js/extra-typings';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { parseDuration } from '../../experiment/text/duration.ts';

// Options, arguments and help that commands share.

/** The options of a command that talks to a system. */
export function withSystem(command: Command) {
  return command
    .option('--local', 'the local system, even where a stack is configured')
    .option('--stack <name>', 'the stack that was deployed (or SIERRA_BATCH_STACK)')
    .option('--region <name>', 'its region')
    .option('--profile <name>', 'the profile of the AWS configuration')
    .option('--json', JSON_HELP);
}

export const JSON_HELP = 'answer as JSON';
export const RUN_NEEDED_HELP =
  'the run’s id or its beginning, the manifest’s name (its newest run), or `last` (the newest run of all)';
export const RUN_HELP = `${RUN_NEEDED_HELP}; in a terminal you are asked when it is left out`;

/** The end of a command's help. */
export function example(command: string): string {
  return `\nExample:\n  $ ${command}\n`;
}

// Values, parsed. Each function throws commander's own error, which names the option as well.

/** Seconds. */
export function duration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds === 0)
    throw new InvalidArgumentError('A duration looks like 90s, 12h, 7d or 1d12h.');
  return seconds;
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A whole number is wanted.');
  return Number(text);
}

export function atLeastOne(text: string): number {
  const number = wholeNumber(text);
  if (number === 0) throw new InvalidArgumentError('A number from 1 on is wanted.');
  return number;
}

export function portNumber(text: string): number {
  const number = wholeNumber(text);
  if (number < 1 || number > 65_535) throw new InvalidArgumentError('A port is a number from 1 to 65535.');
  return number;
}

/** What a run id can begin with, which a manifest's name and `last` are as well; `namedRun` makes an id of it. */
export function runIdArgument(text: string): string {
  if (!/^[a-z][a-z0-9-]{0,71}$/.test(text))
    throw new InvalidArgumentError(
      'A run id is a name and 11 hex digits: speed-sweep-0123456789a. Its beginning, the name or `last` will do; `sierra-batch runs` lists runs.',
    );
  return text;
}

/** A value that an option may be given several times. */
export function several(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}
