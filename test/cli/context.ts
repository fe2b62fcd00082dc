import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Context } from '../../cli/context/context.ts';
import type { Target } from '../../cli/context/target.ts';
import { realClock } from '../../local/clock/real.ts';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** A command's surroundings with nobody at the terminal, and what was said there. */
export function contextIn(cwd: string, change: Partial<Context> & { at?: Target } = {}) {
  const said = { out: '', err: '' };
  const write = (text: string) => {
    said.out += text;
  };
  const { at, ...rest } = change;
  const context: Context = {
    terminal: {
      say: (line) => write(`${line}\n`),
      json: (value) => write(`${JSON.stringify(value)}\n`),
      write: async (text) => write(text),
      writeBeside: async (text) => {
        said.err += text;
      },
      remark: (text) => {
        said.err += text.endsWith('\n') ? text : `${text}\n`;
      },
      output: { write },
      interactive: false,
      asks: false,
      colour: false,
    },
    asJson: false,
    clock: realClock,
    nonce: () => 'abcdef0123456789',
    cwd,
    home: '/home/nobody',
    packageFolder: repository,
    hasStack: false,
    target: async () => {
      if (at === undefined) throw new Error('this command has no business with a system');
      return at;
    },
    whenInterrupted: () => undefined,
    takeInterruption: () => undefined,
    ...rest,
  };
  return { context, said };
}

/** A local system, or what one has left, with these files. */
export function aTarget(store: Target['store'], more: Partial<Omit<Target, 'kind'>> = {}): Target {
  return { kind: 'local', name: 'here', store, place: (key) => key, lookMs: 1, acceptedWithinMs: 0, ...more };
}

/** A folder that is gone after the test. */
export function folderOfItsOwn(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sbc-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}
