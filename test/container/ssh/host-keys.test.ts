import { mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeKnownHosts, writeSshConfig } from '../../../container/ssh/client-config.ts';
import { makeSshKey } from '../../../container/ssh/key-pair.ts';
import { commandOutput } from '../../../container/util/run-command.ts';
import type { LoopbackNodes } from '../../support/loopback-nodes.ts';
import { LOOPBACK_SSH_PORT, loopbackNodes } from '../../support/loopback-nodes.ts';

let nodes: LoopbackNodes;
beforeAll(async () => {
  nodes = await loopbackNodes(2);
});
afterAll(async () => await nodes.close());

const ssh = (...args: string[]) =>
  commandOutput(
    'ssh',
    [...(args.includes('-F') ? [] : ['-F', nodes.sshConfig]), ...args, nodes.addresses[1] ?? '', 'echo in'],
    {
      timeoutMs: 20_000,
    },
  );

function client() {
  const [ownAddress = ''] = nodes.addresses;
  return {
    folder: nodes.folder,
    user: userInfo().username,
    port: LOOPBACK_SSH_PORT,
    clientKeyFile: '',
    ownAddress,
  };
}

describe('ssh from node 0 to a node', () => {
  it('goes through with the keys of this attempt, from node 0’s address only', async () => {
    expect(await ssh()).toMatchObject({ code: 0, stdout: 'in\n' });
    const elsewhere = await ssh('-o', `BindAddress=${nodes.addresses[1]}`);
    expect(elsewhere).toMatchObject({
      code: 255,
      stdout: '',
      stderr: expect.stringMatching(/Permission denied/),
    });
  });

  it('goes through with no other key', async () => {
    const folder = join(nodes.folder, 'other');
    mkdirSync(folder);
    const other = await makeSshKey(join(folder, 'key'));
    const config = await writeSshConfig({ ...client(), folder, clientKeyFile: other.file });
    const known = `UserKnownHostsFile=${join(nodes.folder, 'known_hosts')}`;
    expect(await ssh('-F', config, '-o', known)).toMatchObject({
      code: 255,
      stdout: '',
      stderr: expect.stringMatching(/Permission denied/),
    });
  });

  it('is refused by a host whose key is not the one it joined with, or that never joined', async () => {
    const { publicKey } = await makeSshKey(join(nodes.folder, 'another_host'));
    const folder = join(nodes.folder, 'other_known_hosts');
    mkdirSync(folder);
    const known = `UserKnownHostsFile=${join(folder, 'known_hosts')}`;
    for (const hostKey of [publicKey, undefined]) {
      await writeKnownHosts(
        { ...client(), folder },
        hostKey === undefined ? [] : [{ address: nodes.addresses[1] ?? '', hostKey }],
      );
      expect(await ssh('-o', known)).toMatchObject({
        code: 255,
        stdout: '',
        stderr: expect.stringMatching(/Host key verification failed/),
      });
    }
  });
});
