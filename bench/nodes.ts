import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findSshd } from '../container/ssh/daemon.ts';
import { loopbackNodes } from '../test/support/loopback-nodes.ts';
import { MountSpace } from './mount-space.ts';

export interface BenchNodes {
  folder: string;
  addresses: readonly string[];
  /** The ssh_config that the runner writes. */
  sshConfig: string;
  /** What a user of SIERRA's own line has: ssh and sshd as they come, at the same nodes. */
  plainSshConfig: string;
  /** A process in the mounts of each of the first nodes, where they have their own. */
  mountedFor(count: number): number[];
  close(): Promise<void>;
}

const PLAIN_PORT = 2229;

/**
 * Real sshds on loopback addresses, each twice: with this system's settings and with OpenSSH's own.
 * @param ownMounts whether each node has mounts of its own; needs root
 */
export async function benchNodes(count: number, ownMounts: boolean): Promise<BenchNodes> {
  const wrappers = mkdtempSync(join(tmpdir(), 'sb-sshd-'));
  const spaces = await Promise.all(Array.from({ length: ownMounts ? count : 0 }, () => MountSpace.open()));
  const sshds = spaces.map((space, index) => writeWrapper(join(wrappers, `sshd-${index}`), space));
  const sshdOf = (index: number) => sshds[index] ?? findSshd(process.env.PATH) ?? 'sshd';
  const nodes = await loopbackNodes(count, sshdOf);
  const daemons = await Promise.all(
    nodes.addresses.map((address, index) =>
      startPlainSshd(nodeFolder(nodes.folder, index), address, sshdOf(index)),
    ),
  );
  return {
    folder: nodes.folder,
    addresses: nodes.addresses,
    sshConfig: nodes.sshConfig,
    plainSshConfig: writePlainClient(nodes.folder, nodes.sshConfig),
    mountedFor: (wanted) => spaces.slice(0, wanted).map(({ pid }) => pid),
    close: async () => {
      await Promise.all(daemons.map(end));
      await nodes.close();
      await Promise.all(spaces.map((space) => space.close()));
      rmSync(wrappers, { recursive: true, force: true });
    },
  };
}

/** An sshd that lives in other mounts: it stays the process that was started. */
function writeWrapper(file: string, space: MountSpace): string {
  const command = [...space.entry, findSshd(process.env.PATH) ?? '/usr/sbin/sshd'];
  writeFileSync(file, `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o755 });
  return file;
}

/** Keys, address and an empty HOME stay; key exchange and all else is the default. MaxStartups' default loses tasks. */
async function startPlainSshd(folder: string, address: string, sshd: string): Promise<ChildProcess> {
  const kept =
    /^(ListenAddress|HostKey|PidFile|AuthorizedKeysFile|StrictModes|PermitRootLogin|MaxStartups|SetEnv) /;
  const config = readFileSync(join(folder, 'sshd_config'), 'utf8')
    .split('\n')
    .filter((line) => kept.test(line))
    .map((line) => line.replace(/^(ListenAddress \S+):\d+$/, `$1:${PLAIN_PORT}`));
  const file = join(folder, 'plain_sshd_config');
  writeFileSync(file, `${config.join('\n')}\n`);
  const daemon = spawn(sshd, ['-D', '-e', '-f', file], { stdio: 'ignore' });
  for (let tries = 0; !(await answers(address, PLAIN_PORT)); tries += 1) {
    if (tries > 200 || daemon.exitCode !== null)
      throw new Error(
        `no plain sshd on ${address}:${PLAIN_PORT} (${daemon.exitCode ?? 'it does not answer'})`,
      );
    await delay(25);
  }
  return daemon;
}

function writePlainClient(folder: string, tuned: string): string {
  const kept =
    /^(Host| *(User|Port|BindAddress|IdentityFile|IdentitiesOnly|IdentityAgent|BatchMode|StrictHostKeyChecking|UserKnownHostsFile|GlobalKnownHostsFile|LogLevel)) /;
  const config = readFileSync(tuned, 'utf8')
    .split('\n')
    .filter((line) => kept.test(line))
    .map((line) => line.replace(/^( *Port) \d+$/, `$1 ${PLAIN_PORT}`));
  const known = join(folder, 'known_hosts');
  const hosts = readFileSync(known, 'utf8');
  writeFileSync(known, hosts + hosts.replace(/\]:\d+ /g, `]:${PLAIN_PORT} `));
  const file = join(folder, 'plain_ssh_config');
  writeFileSync(file, `${config.join('\n')}\n`);
  return file;
}

function nodeFolder(folder: string, index: number): string {
  const name = readdirSync(folder).find((entry) => entry.startsWith(`node-${index}-`));
  if (name === undefined) throw new Error(`node ${index} has no folder`);
  return join(folder, name);
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('error', () => end(false));
    socket.once('data', () => end(true));
  });
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const closed = once(daemon, 'close');
  daemon.kill('SIGTERM');
  await closed;
}
