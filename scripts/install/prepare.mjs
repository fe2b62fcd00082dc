// Plain Node, no dependency: makes a fresh clone ready before any other script runs. `npm ci` when node_modules does not
// belong to this lock file; after it, `node` on PATH of every npm script is the pinned Node 24.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const stampFile = `${root}node_modules/.sierra-batch-lock`;
const PATIENCE_MS = 10 * 60 * 1000;

if (process.platform !== 'linux')
  refuse(
    'sierra-batch runs its nodes with Linux sshd and GNU parallel, and this is not Linux. Use a Linux machine, a virtual machine or a container.',
  );
if (Number.parseInt(process.versions.node, 10) < 20)
  refuse(`sierra-batch needs Node 20 or later to start, and this is ${process.versions.node}.`);

if (!isReady()) {
  const free = await alone();
  // Another npm script may have made it ready meanwhile.
  if (!isReady()) install();
  free();
}

function isReady() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lockHash();
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(`${root}package-lock.json`))
    .digest('hex');
}

function install() {
  console.error('Installing npm packages (once, about 20 s) …');
  const { status } = spawnSync('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) refuse('npm ci failed: see above. Nothing else was started.');
  writeFileSync(stampFile, lockHash());
}

/** Two `npm ci` in one folder break each other. The kernel gives the name back however its holder ends. */
async function alone() {
  const name = `\0sierra-batch-prepare-${createHash('sha256').update(root).digest('hex').slice(0, 32)}`;
  const until = Date.now() + PATIENCE_MS;
  for (let told = false; Date.now() < until; told = true) {
    const server = createServer();
    const got = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(name, () => resolve(true));
    });
    if (got) return () => server.close();
    if (!told) console.error('Waiting: npm packages are being installed here by another command …');
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  return refuse(
    'Another command has been installing npm packages here for ten minutes; end it and try again.',
  );
}

function refuse(why) {
  console.error(why);
  process.exit(2);
}
