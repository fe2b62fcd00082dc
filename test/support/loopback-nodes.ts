import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { writeKnownHosts, writeSshConfig } from '../../container/ssh/client-config.ts';
import type { Sshd } from '../../container/ssh/daemon.ts';
import { findSshd, startSshd } from '../../container/ssh/daemon.ts';
import { sshdFiles } from '../../container/ssh/daemon-config.ts';
import { makeSshKey } from '../../container/ssh/key-pair.ts';
import { realClock } from '../../local/clock/real.ts';
import { reserveLoopbackBlock } from '../loopback-block.ts';

export const LOOPBACK_SSH_PORT = 2222;

export interface LoopbackNodes {
  folder: string;
  addresses: string[];
  sshConfig: string;
  sshds: Sshd[];
  /** Process ids of everything that a node started, found by its marker; for killing a node and for counting leftovers. */
  processesOf(node: number): number[];
  close(): Promise<void>;
}

/**
 * Real sshds of the runner's own making on free loopback addresses: what a fan-out finds in a cluster.
 * @param sshdOf what each node starts as its sshd
 */
export async function loopbackNodes(
  count: number,
  sshdOf: (index: number) => string = () => findSshd(process.env.PATH) ?? '',
): Promise<LoopbackNodes> {
  const folder = mkdtempSync(join(tmpdir(), 'sb-fan-'));
  const { address: addressOf, release } = await reserveLoopbackBlock();
  const addresses = Array.from({ length: count }, (_, index) => addressOf(index));
  const main = addresses[0] ?? '';
  const client = await makeSshKey(join(folder, 'client_key'));
  const mark = folder.split('/').at(-1) ?? '';
  const nodes = await Promise.all(
    addresses.map(async (address, index) => {
      const nodeFolder = mkdtempSync(join(folder, `node-${index}-`));
      const host = await makeSshKey(sshdFiles(nodeFolder).hostKey);
      const sshd = await startSshd({
        folder: nodeFolder,
        address,
        port: LOOPBACK_SSH_PORT,
        user: userInfo().username,
        fanout: 'stock',
        sessionEnvironment: {
          HOME: sshdFiles(nodeFolder).home,
          SHLVL: '1',
          SIERRA_BATCH_NODE: `${mark}-${index}`,
        },
        binary: sshdOf(index),
        clientKey: client.publicKey,
        mainAddress: main,
        isRoot: process.getuid?.() === 0,
        clock: realClock,
        log: () => undefined,
      });
      return { sshd, known: { address, hostKey: host.publicKey } };
    }),
  );
  const ssh = {
    folder,
    user: userInfo().username,
    port: LOOPBACK_SSH_PORT,
    clientKeyFile: client.file,
    ownAddress: main,
  };
  const sshConfig = await writeSshConfig(ssh);
  await writeKnownHosts(
    ssh,
    nodes.map(({ known }) => known),
  );
  return {
    folder,
    addresses,
    sshConfig,
    sshds: nodes.map(({ sshd }) => sshd),
    processesOf: (node) => processesWith(`SIERRA_BATCH_NODE=${mark}-${node}`),
    close: async () => {
      await Promise.all(nodes.map(({ sshd }) => sshd.stop()));
      for (const index of addresses.keys())
        for (const pid of processesWith(`SIERRA_BATCH_NODE=${mark}-${index}`)) kill(pid);
      release();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}

function processesWith(marker: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(marker);
      } catch {
        return false; // Ended meanwhile, or somebody else's.
      }
    });
}
