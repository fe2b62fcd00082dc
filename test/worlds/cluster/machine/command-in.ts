import { commandOutput } from '../../../../container/util/run-command.ts';

/** A command that a cluster needs failed: says which and what it wrote. */
class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

const WITHIN_MS = 20_000;

/** Runs a command and answers what it wrote. @throws CommandFailed */
export async function commandIn([file = '', ...args]: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr, failed } = await commandOutput(file, args, { timeoutMs: WITHIN_MS, input });
  if (code === 0) return stdout;
  throw new CommandFailed(
    `${[file, ...args].join(' ')}: ${failed ?? `it ended with ${code}`}: ${stderr.trim()}`,
  );
}
