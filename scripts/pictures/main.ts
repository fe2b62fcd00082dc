/**
 * Makes README's pictures in docs/pictures/ from a real run on this machine: the sweep of examples/ on four nodes, one of
 * which is killed meanwhile. `npx --no-install node scripts/pictures/main.ts`; needs Debian's chromium (scripts/install/packages.mjs --browser).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { startQuietSystem } from '../../local/start/quiet-system.ts';
import type { Line } from './screen.ts';
import { screenAfter, textOf } from './screen.ts';
import { terminalPicture } from './terminal-picture.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const pictures = join(repository, 'docs/pictures');
const COMMAND = 'sierra-batch submit sweep.yaml --watch';
const COLUMNS = 92;
/** The share of the tasks that is done when the terminal is drawn. */
const SHOWN_AT = 0.6;
const ENDS_WITHIN_MS = 180_000;
const MOST_BYTES = 200_000;

const folder = mkdtempSync(join(tmpdir(), 'sierra-batch-pictures-'));
try {
  mkdirSync(pictures, { recursive: true });
  const said = await runSweep(folder);
  keep('terminal.svg', terminalOf(said));
  const [, report = ''] = /^report +(\S+)/m.exec(screenAfter(said).map(textOf).join('\n')) ?? [];
  for (const scheme of ['light', 'dark'] as const)
    keep(`report-${scheme}.png`, await reportIn(scheme, join(folder, report)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** All bytes that the command wrote to its terminal. */
async function runSweep(folder: string): Promise<string> {
  cpSync(join(repository, 'examples/sweep'), join(folder, 'sweep'), { recursive: true });
  // Three nodes are enough to go on, so that the loss of one does not begin the run anew.
  const manifest = readFileSync(join(repository, 'examples/sweep.yaml'), 'utf8');
  writeFileSync(
    join(folder, 'sweep.yaml'),
    `${manifest.replace(/^# yaml-language-server.*\n/, '')}minNodes: 3\n`,
  );
  mkdirSync(join(folder, 'bin'));
  symlinkSync(join(repository, 'bin/sierra-batch.mjs'), join(folder, 'bin/sierra-batch'));
  chmodSync(join(repository, 'bin/sierra-batch.mjs'), 0o755);
  const system = await startQuietSystem(join(folder, '.sierra-batch'), { fault: 'node-lost' });
  try {
    return await inTerminal(folder);
  } finally {
    await system.close();
  }
}

/** By util-linux's `script`, which gives a command a terminal of its own. */
async function inTerminal(cwd: string): Promise<string> {
  const { CI: _, NO_COLOR: __, ...env } = process.env;
  const child = spawn('script', ['-qefc', `stty cols ${COLUMNS} rows 40; exec ${COMMAND}`, '/dev/null'], {
    cwd,
    env: { ...env, PATH: `${join(cwd, 'bin')}:${env.PATH}`, TERM: 'xterm-256color' },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: ENDS_WITHIN_MS,
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code]: unknown[] = await once(child, 'close');
  if (code !== 0) throw new Error(`${COMMAND} ended with ${code}:\n${said}`);
  return said;
}

/** The terminal while the run goes on, and below it what has come when it ended. */
function terminalOf(said: string): string {
  const frames = [...said.matchAll(/\r\p{Cc}\[\d*[AK]/gu)].map(({ index }) =>
    screenAfter(said.slice(0, index)),
  );
  const late = frames.filter((lines) => shareDone(lines) >= SHOWN_AT);
  const during = late.find((lines) => /, lost$/m.test(lines.map(textOf).join('\n'))) ?? late[0];
  if (during === undefined) throw new Error(`no bar was seen in:\n${said}`);
  const lines = screenAfter(said);
  const from = lines.findIndex((line, row) => textOf(line) !== textOf(during[row] ?? []));
  return terminalPicture(COMMAND, COLUMNS, [[prompt(), ...during], lines.slice(from)]);
}

function shareDone(lines: readonly Line[]): number {
  const [, done, total] = /(\d+)\/(\d+) done/.exec(lines.map(textOf).join('\n')) ?? [];
  return Number(done ?? 0) / Number(total ?? 1);
}

/** What a person typed, which a program that is started does not see. */
function prompt(): Line {
  return [...'$ ']
    .map((character) => ({ character, code: 2 }))
    .concat([...COMMAND].map((character) => ({ character, code: 0 })));
}

async function reportIn(colorScheme: 'light' | 'dark', file: string): Promise<Buffer> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const page = await browser.newPage({
      colorScheme,
      viewport: { width: 1000, height: 1000 },
      deviceScaleFactor: 1.25,
    });
    await page.goto(pathToFileURL(file).href);
    await page.waitForFunction('document.querySelector("#timeline canvas") !== null');
    return await page.screenshot();
  } finally {
    await browser.close();
  }
}

function keep(name: string, picture: string | Buffer): void {
  const path = join(pictures, name);
  writeFileSync(path, picture);
  const { size } = statSync(path);
  if (size > MOST_BYTES) throw new Error(`${name} has ${size} bytes, more than ${MOST_BYTES}`);
  console.log(`docs/pictures/${name}  ${Math.round(size / 1000)} kB`);
}
