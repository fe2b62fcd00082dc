// Plain Node 20, no dependency: makes sure that GNU parallel and OpenSSH are there. Debian's openssh-server starts an ssh
// service when it is installed, which nobody asked for: a policy-rc.d forbids it meanwhile.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';

const WANTED = [
  { command: 'parallel', package: 'parallel' },
  { command: 'sshd', package: 'openssh-server' },
  { command: 'ssh', package: 'openssh-client' },
  { command: 'ssh-keygen', package: 'openssh-client' },
  { command: 'perl', package: 'perl' },
];
/** What an option asks for besides. */
const MORE = {
  '--browser': [{ command: 'chromium', package: 'chromium' }],
  '--cluster': [{ command: 'ip', package: 'iproute2' }],
  // Storage that is slow or forgets, and clocks that are wrong, for the tests of faults.
  '--storage': [
    { command: 'gcc', package: 'gcc' },
    { file: '/usr/include/stdio.h', package: 'libc6-dev' },
    { file: '/usr/include/fuse3/fuse.h', package: 'libfuse3-dev' },
    { command: 'faketime', package: 'faketime' },
  ],
  // What builds the nodes' image, what stands in for the image it is built on, and where it is pushed.
  '--image': [
    { command: 'buildah', package: 'buildah' },
    { command: 'debootstrap', package: 'debootstrap' },
    { command: 'docker-registry', package: 'docker-registry' },
  ],
};
const POLICY = '/usr/sbin/policy-rc.d';
const SET_ASIDE = '/usr/sbin/policy-rc.d.sierra-batch';
const FORBIDS =
  '#!/bin/sh\n# sierra-batch installs packages just now and wants no service started\nexit 101\n';
const SCRIPT = fileURLToPath(import.meta.url);

/**
 * Installs what is missing, after asking unless `yes`. Each of `options` (`--browser` …) asks for more packages.
 * @returns whether everything is there now
 */
async function ensurePackages({ yes, options }) {
  const wanted = [...WANTED, ...options.flatMap((option) => MORE[option])];
  const missing = [...new Set(wanted.filter((each) => !isThere(each)).map((each) => each.package))];
  if (missing.length === 0) return true;
  if (!isInstalled('apt-get')) {
    console.error(`Missing: ${missing.join(', ')}. Install these with this machine's package manager.`);
    return false;
  }
  // The same script as root: it keeps Debian from starting an ssh service, which plain apt-get would do.
  const install = [process.execPath, SCRIPT, '--yes', ...options];
  const isRoot = process.getuid?.() === 0;
  const sudo = isRoot ? '' : 'sudo ';
  const byHand = `To install them (no ssh service will be started):\n\n  ${sudo}${install.join(' ')}\n\nPlain \`${sudo}apt-get install ${missing.join(' ')}\` does the same, and starts an ssh service. Without root: conda-forge has parallel and openssh.\n`;
  const canSudo =
    !isRoot &&
    isInstalled('sudo') &&
    (process.stdin.isTTY || spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0);
  if (!isRoot && !canSudo) {
    console.error(`Debian packages are missing: ${missing.join(', ')}. ${byHand}`);
    return false;
  }
  if (!yes && !(await agreed(missing))) {
    console.error(`Nothing was installed; missing: ${missing.join(', ')}. ${byHand}`);
    return false;
  }
  if (isRoot) return installWithoutServices(missing);
  return spawnSync('sudo', install, { stdio: 'inherit' }).status === 0;
}

function installWithoutServices(packages) {
  // Interrupted, apt ends by itself, and this machine's policy must still be put back.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => undefined);
  // Ours is there when an earlier run was killed: then what it set aside is what there was.
  if (existsSync(POLICY) && readFileSync(POLICY, 'utf8') !== FORBIDS) renameSync(POLICY, SET_ASIDE);
  writeFileSync(POLICY, FORBIDS);
  chmodSync(POLICY, 0o755);
  try {
    const install = () => apt('install', '-y', '--no-install-recommends', ...packages);
    // Without package lists, or with old ones, the first try fails.
    if (install() !== 0 && (apt('update') !== 0 || install() !== 0)) {
      console.error(
        `apt could not install ${packages.join(', ')}: see above. Are Debian's packages reachable?`,
      );
      return false;
    }
    return true;
  } finally {
    rmSync(POLICY, { force: true });
    if (existsSync(SET_ASIDE)) renameSync(SET_ASIDE, POLICY);
  }
}

/** Without a network apt would wait for minutes. */
const IMPATIENT = [
  '-o',
  'Acquire::Retries=1',
  '-o',
  'Acquire::http::Timeout=20',
  '-o',
  'Acquire::https::Timeout=20',
];

function apt(...args) {
  console.error(`apt-get ${args.join(' ')} …`);
  // What apt prints is for whoever has to find out why it failed.
  const { status, stdout, stderr } = spawnSync('apt-get', ['-q', ...IMPATIENT, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
  });
  if (status !== 0) console.error(`${stdout}${stderr}`.trim().split('\n').slice(-10).join('\n'));
  return status;
}

async function agreed(packages) {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(
      `Debian packages are missing: ${packages.join(', ')}. Install them (no ssh service will be started)? [y/N] `,
    );
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}

function isThere({ command, file }) {
  return file === undefined ? isInstalled(command) : existsSync(file);
}

/** sshd lies in a folder that is seldom on an ordinary user's PATH. */
function isInstalled(command) {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

if (process.argv[1] === SCRIPT) {
  const has = (option) => process.argv.includes(option);
  const ready = await ensurePackages({
    yes: has('--yes') || process.env.CI === 'true',
    options: Object.keys(MORE).filter(has),
  });
  process.exit(ready ? 0 : 2);
}
