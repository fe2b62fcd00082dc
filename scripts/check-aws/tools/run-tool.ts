import type { CommandOutput } from '../../../container/util/run-command.ts';
import { commandOutput } from '../../../container/util/run-command.ts';

const WITHIN_MS = 120_000;
/** Where a stack may be made: linters know what a region lacks. */
export const REGIONS = ['eu-central-1', 'us-east-1'];

/** A tool that cannot be run: nothing is known then, which is no success. */
export class ToolFailed extends Error {
  override readonly name = 'ToolFailed';
}

/** What a tool said. No account and none of its variables: nothing may depend on one. */
export function runTool(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
  input = '',
): Promise<CommandOutput> {
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    AWS_DEFAULT_REGION: REGIONS[0],
    AWS_EC2_METADATA_DISABLED: 'true',
    SAM_CLI_TELEMETRY: '0',
    ...options.env,
  };
  return commandOutput(program, args, { timeoutMs: WITHIN_MS, ...options, env, input });
}
