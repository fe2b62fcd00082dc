import { join } from 'node:path';
import { writeDurably } from '../storage/durable-file.ts';

export interface SshClient {
  /** Node 0's private folder. */
  folder: string;
  user: string;
  port: number;
  clientKeyFile: string;
  /** Node 0's own: connections must come from it, since `from=` on every node names it. */
  ownAddress: string;
}

/** A node whose host key came with its join. */
export interface KnownHost {
  address: string;
  hostKey: string;
}

/** Where {@link renderSshConfig} and {@link renderKnownHosts} are written. */
function sshFiles(folder: string) {
  return { config: join(folder, 'ssh_config'), knownHosts: join(folder, 'known_hosts') } as const;
}

/**
 * The client configuration of this attempt, complete: `ssh -F <it>` reads nothing of the user's. A control master is
 * used where one is open (`ControlPath`) and never opened by a task's own ssh, which would print a warning when two
 * start at once.
 */
export function renderSshConfig(client: SshClient): string {
  const { knownHosts } = sshFiles(client.folder);
  return `Host *
  User ${client.user}
  Port ${client.port}
  BindAddress ${client.ownAddress}
  AddressFamily inet
  IdentityFile ${quoted(client.clientKeyFile)}
  IdentitiesOnly yes
  IdentityAgent none
  BatchMode yes
  PreferredAuthentications publickey
  StrictHostKeyChecking yes
  UserKnownHostsFile ${quoted(knownHosts)}
  GlobalKnownHostsFile /dev/null
  UpdateHostKeys no
  CheckHostIP no
  HostKeyAlgorithms ssh-ed25519
  KexAlgorithms curve25519-sha256
  ConnectTimeout 10
  ServerAliveInterval 5
  ServerAliveCountMax 3
  ControlMaster no
  ControlPath ${quoted(join(client.folder, 'm-%h'))}
  ForwardAgent no
  ForwardX11 no
  RequestTTY no
  LogLevel ERROR
`;
}

/** One line a node; a port other than 22 is part of a host's name there. */
function renderKnownHosts(port: number, hosts: readonly KnownHost[]): string {
  return hosts
    .map(({ address, hostKey }) => `${port === 22 ? address : `[${address}]:${port}`} ${hostKey}\n`)
    .join('');
}

export async function writeSshConfig(client: SshClient): Promise<string> {
  const { config, knownHosts } = sshFiles(client.folder);
  await Promise.all([writeDurably(config, renderSshConfig(client)), writeDurably(knownHosts, '')]);
  return config;
}

/** ssh reads the file at each connection, so a node that came late is known from then on. */
export async function writeKnownHosts(client: SshClient, hosts: readonly KnownHost[]): Promise<void> {
  await writeDurably(sshFiles(client.folder).knownHosts, renderKnownHosts(client.port, hosts));
}

function quoted(path: string): string {
  const plain = path.replaceAll('%', '%%').replace(/%%h$/, '%h');
  return `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
