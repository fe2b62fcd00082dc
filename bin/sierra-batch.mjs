#!/usr/bin/env node
// Plain Node 20 or later. Runs the command line's bundle; in a clone whose bundle is missing or older than the sources, the
// sources, by the Node 24 that npm installed there.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundle = `${root}dist/cli/main.mjs`;
const source = `${root}cli/main.ts`;
const ownNode = `${root}node_modules/node/bin/node`;
/** Of what a clone has: no bundle is made of these. */
const OUTSIDE = ['node_modules', 'dist', 'docs', 'test', 'bench', 'examples', 'scripts', 'bin', 'python'];

if (Number.parseInt(process.versions.node, 10) < 20) {
  console.error(`sierra-batch needs Node 20 or later, and this is ${process.versions.node}.`);
  process.exitCode = 2;
} else if (existsSync(bundle) && !isOlder(bundle)) {
  await import(bundle);
} else if (existsSync(source) && existsSync(ownNode)) {
  runSources();
} else {
  console.error(
    'sierra-batch is not installed in this clone yet: run `npm test`, `npm start` or `npm run build` once.',
  );
  process.exitCode = 2;
}

/** Only a clone has sources; a package is what was packed. */
function isOlder(made) {
  if (!existsSync(source) || !existsSync(ownNode)) return false;
  const { mtimeMs } = statSync(made);
  const rooms = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !OUTSIDE.includes(entry.name))
    .map(({ name }) => name);
  return rooms.some((room) =>
    readdirSync(`${root}${room}`, { recursive: true, withFileTypes: true }).some(
      (entry) =>
        entry.isFile() && statSync(`${entry.parentPath ?? entry.path}/${entry.name}`).mtimeMs > mtimeMs,
    ),
  );
}

function runSources() {
  const child = spawn(ownNode, [source, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal tells the whole group; whoever tells only this process means the child.
  process.on('SIGINT', () => undefined);
  for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  child.on('error', (error) => {
    console.error(`sierra-batch cannot be started: ${error.message}`);
    process.exit(2);
  });
  child.on('close', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
