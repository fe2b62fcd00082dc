import type { ParseArgsConfig } from 'node:util';
import { parseArgs } from 'node:util';
import { messageOf } from '../../aws/errors.ts';

/** What Node reads of a command line, or why it cannot. */
export function readArguments<const Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> | { why: string } {
  try {
    return parseArgs(config);
  } catch (error) {
    // Node's own sentence goes on about how to pass a positional argument.
    const [why = ''] = messageOf(error).split('. ');
    return { why };
  }
}
