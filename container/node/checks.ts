import { mkdtemp, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../aws/errors.ts';
import type { CheckFault } from '../../experiment/records/progress.ts';
import type { RunnerConfig } from '../process/environment.ts';
import type { RunnerContext } from '../process/live.ts';
import { findSshd } from '../ssh/daemon.ts';
import { commandOutput } from '../util/run-command.ts';

export interface NodeChecks {
  faults: CheckFault[];
  versions: Record<string, string>;
  cpus: number;
  /** Empty when it was not found, which is a fault. */
  sshd: string;
}

const MIB = 1024 * 1024;
const SHARED_FREE_MIB = 64;
const TMP_FREE_MIB = 32;

/**
 * What a node can find out by itself before it joins; all of it, then all faults together. It never looks into the
 * run's folder: an NFS client would remember for half a minute that nothing was there yet.
 */
export async function checkNode(config: RunnerConfig, user: RunnerContext['user']): Promise<NodeChecks> {
  const node = config.index;
  const faults: CheckFault[] = [];
  const versions: Record<string, string> = {};
  const fault = (check: string, what: string, todo: string) => faults.push({ node, check, what, todo });
  const sshd = findSshd(config.variables.PATH);
  if (sshd === undefined)
    fault('no-sshd', 'there is no sshd in this image', 'install openssh-server in the image');
  checkAccount(user, fault);
  await Promise.all([
    ...PROGRAMS.map((program) => checkProgram(program, versions, fault)),
    checkShared(config, fault),
    checkSpace(tmpdir(), TMP_FREE_MIB, 'no-space-in-tmp', fault),
  ]);
  return { faults, versions, cpus: cpus().length, sshd: sshd ?? '' };
}

type Fault = (check: string, what: string, todo: string) => void;

interface Program {
  name: string;
  args: readonly string[];
  /** The version, in what it prints. */
  version: RegExp;
  isTooOld?: (version: string) => boolean;
  todo: string;
}

const PROGRAMS: readonly Program[] = [
  {
    name: 'bash',
    args: ['--version'],
    version: /version (\d+\.\d+)/,
    isTooOld: (version) => Number(version.split('.')[0]) < 4,
    todo: 'install bash 4 or later in the image: tasks are bash commands',
  },
  {
    name: 'ssh',
    args: ['-V'],
    version: /OpenSSH_(\d+\.\d+)/,
    isTooOld: (version) => Number(version) < 8,
    todo: 'install openssh-client 8 or later in the image',
  },
  {
    name: 'parallel',
    args: ['--version'],
    version: /GNU parallel (\d{8})/,
    isTooOld: (version) => Number(version) < 20_180_000,
    todo: 'install GNU parallel (package parallel, not moreutils) of 2018 or later in the image',
  },
];

async function checkProgram(program: Program, versions: Record<string, string>, fault: Fault): Promise<void> {
  const { name, args, todo } = program;
  const said = await commandOutput(name, args, { timeoutMs: 30_000 });
  const version = program.version.exec(`${said.stdout}\n${said.stderr}`)?.[1];
  if (version === undefined) {
    const why = said.failed ?? `it answered: ${`${said.stdout}${said.stderr}`.trim().slice(0, 200)}`;
    fault(`no-${name}`, `${name} cannot be used: ${why}`, todo);
    return;
  }
  versions[name] = version;
  if (program.isTooOld?.(version)) fault(`old-${name}`, `${name} is version ${version}`, todo);
}

function checkAccount(user: RunnerContext['user'], fault: Fault): void {
  if (user.name === undefined) {
    fault(
      'no-account',
      `uid ${user.uid} has no entry in the password database, so sshd cannot log in`,
      'add the user to /etc/passwd in the image, or run the container as a user that is there',
    );
  } else if (/\/(nologin|false)$/.test(user.shell ?? '')) {
    fault(
      'no-login-shell',
      `the shell of ${user.name} is ${user.shell}, which runs no command`,
      `give ${user.name} the shell /bin/bash in the image`,
    );
  }
}

/** Whether shared storage is mounted and this account may write there. */
export async function checkShared(
  config: Pick<RunnerConfig, 'shared' | 'inContainer' | 'index'>,
  fault: Fault,
): Promise<void> {
  const { shared } = config;
  const todo = `mount the file system at ${shared} on every node (job definition: volumes and mountPoints)`;
  try {
    const [here, root] = await Promise.all([stat(shared), stat('/')]);
    if (!here.isDirectory()) fault('shared-storage-not-mounted', `${shared} is not a folder`, todo);
    else if (config.inContainer && here.dev === root.dev)
      fault(
        'shared-storage-not-mounted',
        `${shared} is a folder of the image, nothing is mounted there`,
        todo,
      );
  } catch (error) {
    fault('shared-storage-not-mounted', `${shared}: ${messageOf(error)}`, todo);
    return;
  }
  try {
    const probe = await mkdtemp(join(shared, `.sierra-batch-probe-${config.index}-`));
    await writeFile(join(probe, 'written'), 'x');
    await rm(probe, { recursive: true, force: true });
  } catch (error) {
    fault(
      'shared-storage-not-writable',
      `${shared}: ${messageOf(error)}`,
      'let the container’s user write there: an EFS access point with its uid and gid, or chown',
    );
    return;
  }
  await checkSpace(shared, SHARED_FREE_MIB, 'no-space-on-shared-storage', fault);
}

async function checkSpace(folder: string, atLeastMiB: number, check: string, fault: Fault): Promise<void> {
  try {
    const { bavail, bsize } = await statfs(folder);
    const freeMiB = (bavail * bsize) / MIB;
    if (freeMiB < atLeastMiB)
      fault(check, `${folder} has ${Math.floor(freeMiB)} MiB free, under ${atLeastMiB}`, 'make room there');
  } catch (error) {
    fault(check, `${folder}: ${messageOf(error)}`, 'make it a folder that can be used');
  }
}
