import { readFile } from 'node:fs/promises';
import { commandOutput } from '../util/run-command.ts';

/** An Ed25519 key pair made by ssh-keygen: the private key's file (0600) and the public key without its comment. */
export async function makeSshKey(file: string): Promise<{ file: string; publicKey: string }> {
  const made = await commandOutput('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file], {
    timeoutMs: 20_000,
  });
  if (made.code !== 0) {
    throw new KeysFailed(`ssh-keygen could not make ${file}: ${made.failed ?? made.stderr.trim()}`);
  }
  const [type = '', key = ''] = (await readFile(`${file}.pub`, 'utf8')).trim().split(' ');
  return { file, publicKey: `${type} ${key}` };
}

/** ssh-keygen could not make a key. */
export class KeysFailed extends Error {
  override readonly name = 'KeysFailed';
}
