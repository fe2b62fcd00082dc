import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const ENDED = '@@ended';

export interface RunnerContext {
  /** Where it starts. */
  folder: string;
  /** A home of its own. */
  home: string;
}

/** A terminal with bash, as somebody has it who pastes the blocks of a page one after the other. */
export function openShell({ folder, home }: RunnerContext) {
  const child = spawn('bash', ['--noprofile', '--norc'], {
    cwd: folder,
    env: newcomersEnvironment(home),
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let printed = '';
  let onPrinted = () => undefined as unknown;
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      printed += data.toString();
      onPrinted();
    });
  // Written to one that has ended: its end is told by `until`.
  child.stdin.on('error', () => undefined);

  /** What is printed until it matches. @throws Error after so long, or when the shell ends before */
  async function until(pattern: RegExp, seconds: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const why = await Promise.race([
      new Promise<undefined>((resolve) => {
        onPrinted = () => pattern.test(printed) && resolve(undefined);
        onPrinted();
      }),
      ended.then(() => 'a command failed'),
      new Promise<string>((resolve) => {
        timer = setTimeout(() => resolve(`not done within ${seconds} s`), seconds * 1000);
      }),
    ]);
    clearTimeout(timer);
    if (why !== undefined && !pattern.test(printed)) throw new Error(`${why}; printed was:\n${printed}`);
    return printed;
  }

  return {
    /** Runs all commands, the first that fails being the end. @param ends the exit code of the last @returns what was printed */
    async run(commands: string, ends = 0, seconds = 90): Promise<string> {
      printed = '';
      const script = join(home, 'block.sh');
      writeFileSync(script, commands);
      // `set -e` does not hold left of `||`, so that it is kept for a block that is to fail.
      const source = `. '${script}' </dev/null 2>&1`;
      child.stdin.write(
        ends === 0
          ? `set -e; ${source}; echo ${ENDED} 0\n`
          : `status=0; ${source} || status=$?; echo ${ENDED} $status\n`,
      );
      const all = await until(new RegExp(`^${ENDED} \\d+\\n`, 'm'), seconds);
      const [, text = '', status] = new RegExp(`^(.*?)${ENDED} (\\d+)\\n`, 's').exec(all) ?? [];
      if (Number(status) !== ends) throw new Error(`ended with ${status}, not ${ends}:\n${text}`);
      return text;
    },

    /** Starts what stays until Ctrl-C, and waits until it has printed something. */
    async keep(commands: string, sign: RegExp, seconds = 30): Promise<string> {
      child.stdin.write(`${commands.trimEnd()}\n`);
      return until(sign, seconds);
    },

    /** Ctrl-C, the end of input, and in the end no mercy. */
    async close(): Promise<void> {
      child.stdin.end();
      signal('SIGINT');
      const timer = setTimeout(() => signal('SIGKILL'), 20_000);
      await ended;
      clearTimeout(timer);
    },
  };

  function signal(name: NodeJS.Signals): void {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // Nobody is left.
    }
  }
}

/** Nothing of AWS, of npm's present script, or of the packages and the Node that this test runs with. */
function newcomersEnvironment(home: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|AWS_|SIERRA_|VITEST|NODE_(OPTIONS|ENV|COMPILE)|TEST$)/i.test(name),
  );
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return {
    ...Object.fromEntries(own),
    PATH: path.join(delimiter),
    HOME: home,
    CI: 'true',
    // Nothing is shown.
    BROWSER: 'true',
    npm_config_userconfig: join(homedir(), '.npmrc'),
    npm_config_cache: join(homedir(), '.npm'),
  };
}
