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

const repository = fileURLToPath(new URL('../..', import.meta.url));
const pictures = join(repository, 'docs/pictures');
const COMMAND = 'sierra-batch submit sweep.yaml --watch';
const COLUMNS = 92;
/** The share of the tasks that is done when the terminal is drawn. */
const SHOWN_AT = 0.6;
const ENDS_WITHIN_MS = 180_000;
const MAX_BYTES = 200_000;

/** Of the report, and of its timeline with four nodes; pixels of CSS. */
const WIDTH = 1000;
const TIMELINE = 440;
const SCALE = 1.25;

const CELL = { width: 8.4, height: 20 };
const PAD = 18;
const COLOURS: Record<number, string> = { 0: '#e6edf3', 2: '#8b949e', 31: '#ff7b72', 32: '#3fb950' };

/** A character and the SGR code that it is painted with: 0 plain, 2 dim, 31 red, 32 green. */
interface Cell {
  character: string;
  code: number;
}
type Line = readonly Cell[];

/** A sequence that begins with ESC and `[`, or one character. */
const TOKEN = /\p{Cc}\[(?<number>\d*)(?<action>[A-Za-z])|./gsu;

if (import.meta.main) {
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
      viewport: { width: WIDTH, height: 3000 },
      deviceScaleFactor: SCALE,
    });
    await page.goto(pathToFileURL(file).href);
    await page.waitForFunction('document.querySelector("#timeline canvas") !== null');
    // What was found by parameter is between the figures and the timeline: a line says that a part is left out.
    const top = async (name: string) => {
      const box = await page.getByRole('heading', { name, exact: true }).boundingBox();
      if (box === null) throw new Error(`the report shows no ${name}`);
      return Math.floor(box.y);
    };
    const part = async (y: number, height: number) =>
      (await page.screenshot({ clip: { x: 0, y, width: WIDTH, height } })).toString('base64');
    const parts = [await part(0, await top('By parameter')), await part(await top('Timeline'), TIMELINE)];
    const ground = String(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
    const image = (data: string) => `<img src="data:image/png;base64,${data}" width="${WIDTH}">`;
    // The report's own page takes no pictures.
    const both = await browser.newPage({ viewport: { width: WIDTH, height: 600 }, deviceScaleFactor: SCALE });
    await both.setContent(
      `<style>body{margin:0;background:${ground}}img{display:block}hr{margin:0 0 24px;border:0;border-top:2px dashed #8b949e}</style>${parts.map(image).join('<hr>')}`,
    );
    return await both.locator('body').screenshot();
  } finally {
    await browser.close();
  }
}

function keep(name: string, picture: string | Buffer): void {
  const path = join(pictures, name);
  writeFileSync(path, picture);
  const { size } = statSync(path);
  if (size > MAX_BYTES) throw new Error(`${name} has ${size} bytes, more than ${MAX_BYTES}`);
  console.log(`docs/pictures/${name}  ${Math.round(size / 1000)} kB`);
}

/**
 * What a terminal shows after these bytes, line by line: as much of one as our displays use. Lines never wrap, since what we
 * show is cut to the terminal's width. @throws Error at a sequence that is not known, whose effect would be missing
 */
export function screenAfter(text: string): Line[] {
  const lines: Cell[][] = [];
  let row = 0;
  let column = 0;
  let code = 0;
  const lineAt = (at: number): Cell[] => {
    while (lines.length <= at) lines.push([]);
    return lines[at] ?? [];
  };
  const actions: Record<string, (number: number) => void> = {
    m: (number) => {
      code = number;
    },
    A: (number) => {
      row = Math.max(0, row - number);
    },
    K: (number) => {
      lineAt(row).splice(number === 2 ? 0 : column);
    },
    J: () => {
      lineAt(row).splice(column);
      lines.splice(row + 1);
    },
  };
  for (const { 0: token, groups: { number = '', action } = {} } of text.matchAll(TOKEN)) {
    if (action !== undefined) {
      const act = actions[action];
      if (act === undefined) throw new Error(`an unknown sequence ${JSON.stringify(token)}`);
      act(Number(number));
    } else if (token === '\r') column = 0;
    else if (token === '\n') row += 1;
    else {
      const line = lineAt(row);
      while (line.length < column) line.push({ character: ' ', code: 0 });
      line[column] = { character: token, code };
      column += 1;
    }
  }
  return lines;
}

export function textOf(line: Line): string {
  return line.map(({ character }) => character).join('');
}

/** An SVG of a terminal's lines. Where `parts` are several, each begins below a line that says that time has passed. */
export function terminalPicture(title: string, columns: number, parts: readonly (readonly Line[])[]): string {
  const width = columns * CELL.width + 2 * PAD;
  const drawn: string[] = [];
  let y = 2 * PAD + CELL.height;
  for (const [index, lines] of parts.entries()) {
    if (index > 0) {
      drawn.push(
        `<line x1="0" x2="${width}" y1="${y + CELL.height / 2}" y2="${y + CELL.height / 2}" stroke="#30363d" stroke-dasharray="4 4"/>`,
      );
      y += CELL.height;
    }
    for (const line of lines) {
      drawn.push(...drawLine(line, y));
      y += CELL.height;
    }
  }
  const height = y + PAD;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${['#ff5f57', '#febc2e', '#28c840'].map((fill, index) => `<circle cx="${PAD + 6 + index * 18}" cy="${PAD}" r="5.5" fill="${fill}"/>`).join('')}
${drawn.join('\n')}
</svg>
`;
}

/** Neighbours of one colour in one element. Blocks are drawn, since fonts leave gaps between them. */
function drawLine(line: Line, y: number): string[] {
  const drawn: string[] = [];
  for (let from = 0; from < line.length; ) {
    const { code, block } = kindOf(line, from);
    let to = from + 1;
    while (to < line.length && kindOf(line, to).code === code && kindOf(line, to).block === block) to += 1;
    const text = line
      .slice(from, to)
      .map(({ character }) => character)
      .join('');
    const x = (PAD + from * CELL.width).toFixed(1);
    const width = ((to - from) * CELL.width).toFixed(1);
    const fill = COLOURS[code] ?? COLOURS[0];
    if (block !== '')
      drawn.push(
        `<rect x="${x}" y="${y + 3}" width="${width}" height="14" fill="${fill}"${block === '░' ? ' opacity="0.35"' : ''}/>`,
      );
    else if (text.trim() !== '')
      drawn.push(
        `<text x="${x}" y="${y + 15}" textLength="${width}" xml:space="preserve" fill="${fill}">${escaped(text)}</text>`,
      );
    from = to;
  }
  return drawn;
}

function kindOf(line: Line, at: number): { code: number; block: string } {
  const { character = '', code = 0 } = line[at] ?? {};
  return { code, block: character === '█' || character === '░' ? character : '' };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
