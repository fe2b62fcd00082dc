import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunnerConfig } from '../process/environment.ts';
import { KeysFailed, makeSshKey } from '../ssh/key-pair.ts';
import { syncFolder, writeDurably } from '../storage/durable-file.ts';
import { readText } from '../util/open-file.ts';

/** What one attempt proves itself with. Nothing of it is ever used by another attempt. */
export interface AttemptKeys {
  /** Relative to shared storage: what a worker is told. */
  folder: string;
  /** The same, absolute. */
  path: string;
  /** Key of the join's HMACs. */
  secret: Buffer;
  /** Private ssh key of node 0, in its private folder: no other node needs it, so it never leaves this one. */
  clientKeyFile: string;
  /** `ssh-ed25519 AAAA…` */
  clientKey: string;
}

const SECRET_FILE = 'secret';

/**
 * Makes the attempt's keys. The join secret lies on shared storage, which is how a worker proves that it belongs to this
 * run; it is durable before anyone is told the folder's name, and that name is never used twice (NFS clients cache
 * look-ups).
 * @throws KeysFailed
 */
export async function makeAttemptKeys(
  config: Pick<RunnerConfig, 'shared' | 'jobId' | 'attempt'>,
  runFolder: string,
  nonce: string,
  privateFolder: string,
): Promise<AttemptKeys> {
  const folder = `runs/${runFolder}/join/${config.jobId}-${config.attempt}-${nonce}`;
  const path = join(config.shared, folder);
  const secret = randomBytes(32);
  const [client] = await Promise.all([
    makeSshKey(join(privateFolder, 'client_key')),
    mkdir(path, { recursive: true, mode: 0o700 })
      .then(() => writeDurably(join(path, SECRET_FILE), secret.toString('hex')))
      .then(() => syncFolder(join(path, '..'))),
  ]);
  return { folder, path, secret, clientKeyFile: client.file, clientKey: client.publicKey };
}

/** The join secret, as a worker reads it once it was told the folder. @throws the file system's error */
export async function readSecret(path: string): Promise<Buffer> {
  const hex = await readText(join(path, SECRET_FILE));
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new KeysFailed(`${join(path, SECRET_FILE)} is not a join secret`);
  return Buffer.from(hex, 'hex');
}

/**
 * Removes what attempts proved themselves with, those too that could not do so themselves: their node 0 was lost, or storage
 * took no writes.
 * @param onlyOf a job: another run works in that folder, and has its secrets there as well
 */
export async function removeJoinSecrets(folder: string, onlyOf: string | undefined): Promise<void> {
  if (onlyOf === undefined) return rm(folder, { recursive: true, force: true });
  for (const name of await readdir(folder))
    if (name.startsWith(`${onlyOf}-`)) await rm(join(folder, name), { recursive: true, force: true });
}
