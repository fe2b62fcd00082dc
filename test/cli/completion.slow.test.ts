import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { completion } from '../../cli/completion.ts';
import { makeProgram } from '../../cli/program.ts';
import { folderOfItsOwn } from './context.ts';

const { commands } = makeProgram('1.2.3', { begin: async () => undefined });

/** What a person types, ⇥ being the key, and the command that stands there then. */
const TYPED: readonly (readonly [string, string])[] = [
  ['sub⇥', 'submit'],
  ['runs --si⇥', 'runs --since'],
  ['runs --state cance⇥', 'runs --state cancelled'],
  ['submit man⇥ --w⇥', 'submit manifest.yaml --watch'],
  ['report a-run --output man⇥', 'report a-run --output manifest.yaml'],
  ['fetch a-run resu⇥', 'fetch a-run results'],
  ['status --js⇥', 'status --json'],
  ['status wal⇥ --json', 'status walks-0123456789a --json'],
  ['fetch wal⇥ resu⇥', 'fetch walks-0123456789a results'],
  // Of the stack that is named, and no file is a run.
  ['cancel --stack lab of⇥', 'cancel --stack lab of-lab-0123456789a'],
  ['status man⇥', 'status man'],
  ['completion z⇥', 'completion zsh'],
  ['help val⇥', 'help validate'],
];

const SHELLS = {
  bash: { start: 'bash --noprofile --norc -i', setUp: 'bind "set enable-bracketed-paste off"' },
  zsh: { start: 'zsh -f -i', setUp: 'unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D' },
} as const;

/** The command says what it was called with, and knows a run here and one of a stack. */
const COMMAND = `sierra-batch() {
  case "$*" in
    "runs --json") printf '[\\n  {\\n    "runId": "walks-0123456789a",\\n    "name": "walks"\\n  }\\n]\\n' ;;
    "runs --json --stack lab") printf '[\\n  {\\n    "runId": "of-lab-0123456789a"\\n  }\\n]\\n' ;;
    *) echo "<<$*>>" ;;
  esac
}
`;

for (const [shell, { start, setUp }] of Object.entries(SHELLS))
  test(`${shell} itself completes what is typed into it`, { timeout: 60_000 }, async () => {
    const folder = folderOfItsOwn();
    mkdirSync(join(folder, 'results'));
    writeFileSync(join(folder, 'manifest.yaml'), '');
    writeFileSync(join(folder, 'command'), COMMAND);
    writeFileSync(join(folder, 'script'), completion(commands, shell === 'zsh' ? 'zsh' : 'bash'));
    const terminal = openTerminal(folder, start);
    terminal.type(`${setUp}; . ./command; . ./script; echo R''EADY\n`);
    await terminal.until(/READY\r?\n/);
    for (const [typed, called] of TYPED) {
      terminal.type(`sierra-batch ${typed.replaceAll('⇥', '\t')}\n`);
      const [, got] = await terminal.until(/<<(.*?)>>/);
      // A slash that was completed goes when the line is done.
      expect(got?.replace(/[/ ]+$/, ''), typed).toBe(called);
    }
  });

/** A terminal of util-linux's `script`. */
function openTerminal(cwd: string, start: string) {
  const child = spawn('script', ['-qfc', start, '/dev/null'], {
    cwd,
    // Without a history to be written when it is killed, while the folder is removed.
    env: { PATH: process.env.PATH, HOME: cwd, TERM: 'xterm', LANG: 'C.UTF-8', HISTFILE: '' },
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let seen = '';
  let onSeen = () => undefined as unknown;
  child.stdout.on('data', (data: Buffer) => {
    seen += data.toString();
    onSeen();
  });
  return {
    type: (keys: string) => child.stdin.write(keys),
    /** The first match in what has not been matched before. */
    until: (pattern: RegExp) =>
      new Promise<RegExpExecArray>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`not seen: ${pattern} in ${JSON.stringify(seen)}`)),
          15_000,
        );
        onSeen = () => {
          const found = pattern.exec(seen);
          if (found === null) return;
          clearTimeout(timer);
          seen = seen.slice(found.index + found[0].length);
          resolve(found);
        };
        onSeen();
      }),
  };
}
