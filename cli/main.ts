import { readFileSync } from 'node:fs';
import { CommanderError } from '@commander-js/extra-typings';
import { EXIT } from '../experiment/records/exit-code.ts';
import type { Context } from './context/context.ts';
import { liveTerminal, remark, surroundings, systemClock } from './context/live.ts';
import { awsTrouble } from './errors/explain-aws-error.ts';
import { CommandFailed } from './errors/failure.ts';
import { makeProgram } from './program.ts';

/** The command `sierra-batch`. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
let exitCode = 0;
let told: string | undefined;

for (const [name, code] of Object.entries(SIGNALS)) process.on(name, () => interrupted(code));
for (const stream of [process.stdout, process.stderr]) stream.on('error', readerHasLeft);

const program = makeProgram(ownVersion(), {
  begin: async (options, command) => {
    const terminal = liveTerminal(options.json === true);
    const stack = options.local === true ? undefined : (options.stack ?? surroundings.stack);
    const context: Context = {
      ...surroundings,
      terminal,
      asJson: options.json === true,
      clock: systemClock,
      hasStack: stack !== undefined,
      target: async () =>
        (await import('./context/find-target.ts')).findTarget(surroundings.cwd, { ...options, stack }),
      whenInterrupted: (sentence) => {
        told = sentence;
      },
      takeInterruption: () => {
        for (const name of Object.keys(SIGNALS)) process.removeAllListeners(name);
      },
    };
    exitCode = await command(context);
  },
});
program.exitOverride();
for (const command of program.commands) command.exitOverride();
try {
  await program.parseAsync();
} catch (error) {
  exitCode = failed(error);
}
// What is written to a pipe may not have left yet, which `process.exit` would not wait for.
process.exitCode = exitCode;
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))),
);
process.exit();

function failed(error: unknown): number {
  // Commander has shown it; 0 is help and version.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.succeeded : EXIT.badEnvironment;
  if (error instanceof CommandFailed) {
    remark(`sierra-batch: ${error.message.trimEnd()}`);
    return error.exitCode;
  }
  remark(`sierra-batch: ${sentenceOf(error)}`);
  return EXIT.badEnvironment;
}

/** AWS's errors tell in one line; anything else is a fault of ours, whose place helps to mend it. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return awsTrouble(error) ?? error.stack ?? String(error);
}

function interrupted(code: number): void {
  if (process.stdout.isTTY) process.stdout.write('\n');
  if (told !== undefined) remark(told);
  process.exit(code);
}

/** `sierra-batch tasks RUN | head`: nobody wants the rest. */
function readerHasLeft(error: NodeJS.ErrnoException): void {
  process.exit(error.code === 'EPIPE' ? 0 : EXIT.badEnvironment);
}

function ownVersion(): string {
  const { version }: { version: string } = JSON.parse(
    readFileSync(`${surroundings.packageFolder}package.json`, 'utf8'),
  );
  return version;
}
