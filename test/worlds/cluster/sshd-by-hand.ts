import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findSshd } from '../../../container/ssh/daemon.ts';
import type { Cluster } from './cluster.ts';
import type { Machine } from './machine/machine.ts';
import { MachineFailed } from './machine/machine.ts';

/** On each machine, in its own /run. */
const FOLDER = '/run/ssh';

/** Keys of the machine, and what `ssh 10.0.1.11` needs, where ssh looks for it by itself. */
const PREPARE = `set -e
mkdir -p -m 0700 ${FOLDER}
cd ${FOLDER}
umask 077
cat > id
echo "$1" > authorized_keys
ssh-keygen -q -t ed25519 -N '' -C '' -f host_key
cat host_key.pub
umask 022
[ -d /etc/ssh/ssh_config.d ] || exit 0
mount -t tmpfs -o mode=0755 sierra-batch /etc/ssh/ssh_config.d
printf 'Host 10.0.1.*\\n  User root\\n  IdentityFile ${FOLDER}/id\\n  IdentitiesOnly yes\\n  UserKnownHostsFile ${FOLDER}/known_hosts\\n' > /etc/ssh/ssh_config.d/nodes.conf`;

/** Until it greets: a listener alone is no sshd. */
const GREETS = `for try in {1..200}; do
  { exec 3<>"/dev/tcp/$1/22" && read -r -t 2 line <&3 && [[ $line == SSH-* ]] && exit 0; } 2> /dev/null
  sleep 0.05
done
exit 1`;

/**
 * An sshd on port 22 of every machine, for whoever looks around by hand: any of them reaches any other by its address, with
 * keys that live as long as the machines. A run brings its own and needs the port. @throws MachineFailed
 */
export async function openSshdByHand({ machines }: Cluster): Promise<void> {
  const { id, publicKey } = clientKey();
  const hostKeys = await Promise.all(
    machines.map(async (machine) => {
      const key = await machine.runWith(id, 'bash', '-c', PREPARE, 'prepare', publicKey);
      return `${machine.settings.address} ${key.trim()}`;
    }),
  );
  await Promise.all(machines.map((machine) => openOne(machine, `${hostKeys.join('\n')}\n`)));
}

async function openOne(machine: Machine, knownHosts: string): Promise<void> {
  const { address } = machine.settings;
  await machine.runWith(knownHosts, 'sh', '-c', `cat > ${FOLDER}/known_hosts`);
  const options = {
    HostKey: `${FOLDER}/host_key`,
    ListenAddress: address,
    AuthorizedKeysFile: `${FOLDER}/authorized_keys`,
    PermitRootLogin: 'prohibit-password',
    PasswordAuthentication: 'no',
    UsePAM: 'no',
    UseDNS: 'no',
    PidFile: 'none',
  };
  const sshd = findSshd(undefined) ?? 'sshd';
  const words = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const child = machine.spawnContainer([sshd, '-D', '-e', '-f', '/dev/null', ...words], {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-1000);
  });
  child.stdout?.resume();
  try {
    await machine.run('bash', '-c', GREETS, 'greets', address);
  } catch {
    throw new MachineFailed(`sshd on ${address}:22 does not come up: ${said.trim()}`);
  }
}

function clientKey(): { id: string; publicKey: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sbk-'));
  try {
    const file = join(folder, 'id');
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file]);
    return { id: readFileSync(file, 'utf8'), publicKey: readFileSync(`${file}.pub`, 'utf8').trim() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
