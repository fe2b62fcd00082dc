// Plain Node, no dependency: makes a fresh clone ready before any other script runs. `npm ci` when node_modules does not
// belong to this lock file; after it, `node` on PATH of every npm script is the pinned Node 24.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
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

/** Two `npm ci` in one folder break each other. The kernel gives the lock back however its holder ends. */
async function alone() {
  mkdirSync(`${root}.sierra-batch`, { recursive: true, mode: 0o700 });
  const file = openSync(`${root}.sierra-batch/prepare.lock`, 'a+', 0o600);
  const stdio = ['ignore', 'ignore', 'inherit', file];
  const until = Date.now() + PATIENCE_MS;
  for (let told = false; Date.now() < until; told = true) {
    const { status } = spawnSync('perl', ['-e', 'open my $f, "+<&=", 3 or die; exit !flock $f, 6'], {
      stdio,
    });
    if (status === 0) return () => closeSync(file);
    if (status !== 1) refuse('perl is needed to start; install it with: sudo apt-get install perl');
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
