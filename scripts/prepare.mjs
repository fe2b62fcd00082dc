// Plain Node 20, no dependency: makes a fresh clone ready before any other script runs. `npm ci` when node_modules does
// not belong to this lock file; after it, `node` on PATH of every npm script is the pinned Node 24.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { platform } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stampFile = `${root}node_modules/.sierra-batch-lock`;

if (platform() !== 'linux') {
  console.error(
    'sierra-batch runs its nodes with Linux sshd and GNU parallel, and this is not Linux. Use a Linux machine, a virtual machine or a container.',
  );
  process.exit(2);
}

const lock = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex');
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== lock) {
  console.error('Installing npm packages (once, about 20 s) …');
  const { status } = spawnSync('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error('npm ci failed: see above. Nothing else was started.');
    process.exit(2);
  }
  writeFileSync(stampFile, lock);
}
