import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Which other rooms a room may import; a longer path goes before the room that it lies in. docs/architecture.md says why. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  experiment: [],
  aws: ['experiment'],
  'report/server': ['experiment', 'aws'],
  report: ['experiment'],
  functions: ['experiment', 'aws', 'report'],
  container: ['experiment', 'aws'],
  submission: ['experiment', 'aws'],
  'cli/commands/local.ts': ['experiment', 'aws', 'report', 'submission', 'local'],
  'cli/local-system': ['experiment', 'aws', 'report', 'submission', 'local'],
  cli: ['experiment', 'aws', 'report', 'submission'],
  local: ['experiment', 'aws', 'report', 'functions', 'container', 'submission'],
};
/** Rooms of the product, in which a name is enough to find a file. */
const NAMED_ONCE = [...new Set([...Object.keys(MAY_IMPORT).map(roomOf), 'scripts'])];
/** Where time is not handed in: clocks, real clients, browsers, what measures this machine, and what runs before packages are here. */
const OWN_TIME =
  /^(local\/clock|report\/client|test|bench)\/|\/live\.ts$|\.generated\.ts$|^scripts\/install\/.*\.mjs$/;
/** The linter denies the timers among Node's globals; these it cannot tell. */
const TIME = /\bDate\.now\b|\bnew Date\(\)|'(node:)?timers(\/promises)?'/;
const MAX_FILES = 14;
/** Pages are found by their list, and tools look for their files at the top. */
const LARGE = ['.', 'docs', 'docs/decisions'];

type Arrow = readonly [from: string, to: string];

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n');
const sources = files.filter((file) => /\.(ts|mjs)$/.test(file) && !file.startsWith('examples/'));
const arrows = sources.flatMap(importsOf);

const faults = [
  ...circles(arrows).map((circle) => `files import each other in a circle: ${circle.join(' → ')}`),
  ...circles(arrows.map(([from, to]): Arrow => [dirname(from), dirname(to)])).map(
    (circle) => `folders import each other in a circle: ${circle.join(' → ')}`,
  ),
  ...arrows
    .filter(([from, to]) => !mayImport(from, to))
    .map(([from, to]) => `${from} may not import ${to}: see the rooms in docs/architecture.md`),
  ...sources
    .filter((file) => !OWN_TIME.test(file) && TIME.test(textOf(file)))
    .map((file) => `${file} reads the time or waits by itself: hand in a Clock`),
  ...unknownFolders(),
  ...tooLarge(),
  ...sameNames(),
];
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;

function importsOf(file: string): Arrow[] {
  const text = textOf(file);
  return [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']*)'/g)].map(
    ([, path = '']): Arrow => [file, join(dirname(file), path)],
  );
}

/** Empty for a file that was removed and not yet committed. */
function textOf(file: string): string {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return '';
  }
}

function mayImport(from: string, to: string): boolean {
  const rule = Object.entries(MAY_IMPORT).find(([place]) => from === place || from.startsWith(`${place}/`));
  if (rule === undefined || roomOf(to) === roomOf(from)) return true;
  return rule[1].includes(roomOf(to));
}

function roomOf(file: string): string {
  return file.split('/')[0] ?? '';
}

/** One circle for each set of places that reach each other, its places in the order of the arrows. */
function circles(between: readonly Arrow[]): string[][] {
  const next = new Map<string, Set<string>>();
  for (const [from, to] of between) if (from !== to) next.set(from, (next.get(from) ?? new Set()).add(to));
  const found: string[][] = [];
  const seen = new Set<string>();
  for (const start of next.keys()) {
    if (seen.has(start)) continue;
    const path = pathBack(next, start);
    if (path === undefined) continue;
    for (const place of path) seen.add(place);
    found.push([...path, start]);
  }
  return found;
}

/** The shortest way from a place back to it. */
function pathBack(next: ReadonlyMap<string, ReadonlySet<string>>, start: string): string[] | undefined {
  const ways = [[start]];
  const seen = new Set<string>();
  for (const way of ways)
    for (const place of next.get(way.at(-1) ?? '') ?? []) {
      if (place === start) return way;
      if (seen.has(place)) continue;
      seen.add(place);
      ways.push([...way, place]);
    }
  return undefined;
}

/** docs/architecture.md shows what stands at the top. */
function unknownFolders(): string[] {
  const page = textOf('docs/architecture.md');
  return [...new Set(files.filter((file) => file.includes('/')).map(roomOf))]
    .filter((room) => !room.startsWith('.') && !page.includes(`| \`${room}/`))
    .map((room) => `${room}/ is not in the tables of docs/architecture.md`);
}

function tooLarge(): string[] {
  return Object.entries(Object.groupBy(files, dirname))
    .filter(([folder, inside = []]) => inside.length > MAX_FILES && !LARGE.includes(folder))
    .map(
      ([folder, inside = []]) =>
        `${folder}/ has ${inside.length} files, ${MAX_FILES} at most: give a subject in it a folder`,
    );
}

/** An entrance bears its folder's name; `main` and `live` are what they are in every room. */
function sameNames(): string[] {
  const named = sources.filter((file) => {
    const name = nameOf(file);
    return (
      NAMED_ONCE.includes(roomOf(file)) &&
      !['main', 'live'].includes(name) &&
      name !== basename(dirname(file))
    );
  });
  return Object.values(Object.groupBy(named, (file) => `${roomOf(file)} ${nameOf(file)}`))
    .filter((same = []) => same.length > 1)
    .map((same = []) => `one name for different files of a room: ${same.join(', ')}`);
}

function nameOf(file: string): string {
  return basename(file).replace(/\..*$/, '');
}
