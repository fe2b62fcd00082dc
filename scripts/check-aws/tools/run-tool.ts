import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

const WITHIN_MS = 120_000;
/** Where a stack may be made: linters know what a region lacks. */
export const REGIONS = ['eu-central-1', 'us-east-1'];

/** A tool that cannot be run: nothing is known then, which is no success. */
export class ToolFailed extends Error {
  override readonly name = 'ToolFailed';
}

/** What a tool said. No account and none of its variables: nothing may depend on one. */
export async function runTool(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
  input = '',
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(program, args, {
    ...options,
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      AWS_DEFAULT_REGION: REGIONS[0],
      AWS_EC2_METADATA_DISABLED: 'true',
      SAM_CLI_TELEMETRY: '0',
      ...options.env,
    },
    timeout: WITHIN_MS,
    stdio: 'pipe',
  });
  child.stdin.end(input);
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
  const [code, stdout, stderr] = await Promise.all([closed, text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
}
