import { join } from 'node:path';
import type { FanoutScheme } from '../../experiment/plan/plan.ts';
import type { RunnerConfig } from '../process/environment.ts';
import { NODE_MARKER, nodeMarker } from '../process/environment.ts';

export interface SshdSettings {
  /** The node's private folder, 0700. */
  folder: string;
  address: string;
  port: number;
  user: string;
  /** Tasks of stock may all log in at once; the pool has one connection. Each login under way is a process of sshd. */
  fanout: FanoutScheme;
  /** What every session starts with. */
  sessionEnvironment: Readonly<Record<string, string>>;
}

export function sshdFiles(folder: string) {
  return {
    config: join(folder, 'sshd_config'),
    hostKey: join(folder, 'host_key'),
    authorizedKeys: join(folder, 'authorized_keys'),
    /** HOME of every session: holds nothing, so no login shell finds a dotfile. */
    home: join(folder, 'home'),
  } as const;
}

/** The daemon's configuration, complete: nothing of `/etc/ssh` and of the user's `~/.ssh` is read. */
export function renderSshdConfig(settings: SshdSettings): string {
  const files = sshdFiles(settings.folder);
  const environment = Object.entries(settings.sessionEnvironment).map(([name, value]) =>
    quoted(`${name}=${value}`),
  );
  // StrictModes is off because it judges every folder above the keys (a group-writable /tmp or a root with odd
  // ownership refuses every login); the keys lie in a 0700 folder that mkdtemp made for this process.
  // Only the first SetEnv line counts, so all variables stand on one.
  // Behind an @ stands a host there, and accounts of a domain may have one in their name: ? is any character.
  const user = settings.user.replaceAll('@', '?');
  return `ListenAddress ${settings.address}:${settings.port}
HostKey ${quoted(files.hostKey)}
PidFile none
AuthorizedKeysFile ${quoted(files.authorizedKeys.replaceAll('%', '%%'))}
StrictModes no
AllowUsers ${user}
PermitRootLogin prohibit-password
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PermitUserRC no
PermitUserEnvironment no
PermitTTY no
DisableForwarding yes
PrintMotd no
PrintLastLog no
LoginGraceTime 30
MaxStartups ${settings.fanout === 'stock' ? 1000 : 20}
MaxSessions 100
ClientAliveInterval 15
ClientAliveCountMax 4
KexAlgorithms curve25519-sha256
LogLevel ERROR
SetEnv ${environment.join(' ')}
`;
}

/** One client key, from one address, for commands only. */
export function renderAuthorizedKey(clientKey: string, mainAddress: string): string {
  return `restrict,from="${mainAddress}" ${clientKey}\n`;
}

/** Each node's own: a process started over ssh does not inherit them, and with main's it would act as main. */
const OWN_TO_EACH_NODE =
  /^(AWS_BATCH_[A-Z0-9_]+|AWS_CONTAINER_[A-Z_]+|ECS_CONTAINER_METADATA_URI(_V4)?|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|AWS_ENDPOINT_URL(_[A-Z0-9]+)?|AWS_CA_BUNDLE)$/;

/**
 * What each session of a node starts with: its own AWS variables, the marker its tasks are found by, a HOME without
 * dotfiles, and SHLVL=1, without which bash under sshd reads `~/.bashrc` and Debian's `/etc/bash.bashrc`.
 */
export function sessionEnvironment(config: RunnerConfig, folder: string): Record<string, string> {
  const own = Object.entries(config.variables).filter(
    ([name, value]) => OWN_TO_EACH_NODE.test(name) && isOneLine(value),
  );
  return {
    ...Object.fromEntries(own),
    // What the runner starts here is found where the image has it; what tasks get goes over it.
    ...(isOneLine(config.variables.PATH ?? '\n') ? { PATH: config.variables.PATH ?? '' } : {}),
    [NODE_MARKER]: nodeMarker(config),
    HOME: sshdFiles(folder).home,
    SHLVL: '1',
  };
}

/** A configuration file has no way to write the others, and no such variable of AWS has one. */
function isOneLine(value: string): boolean {
  return !/[\n\r\0]/.test(value);
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
