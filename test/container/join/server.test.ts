import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { joinMain } from '../../../container/join/client.ts';
import type { JoinFacts } from '../../../container/join/messages.ts';
import { startJoinServer } from '../../../container/join/server.ts';
import type { RunnerConfig } from '../../../container/process/environment.ts';
import { realClock } from '../../../local/clock/real.ts';
import { freePort } from '../../support/http/free-port.ts';

const port = await freePort();
const quiet = () => undefined;
const folder = `runs/a-0123456789a/join/j-1-${'a'.repeat(32)}`;
const key = `ssh-ed25519 ${'A'.repeat(68)}`;
const facts: JoinFacts = {
  instance: '1'.repeat(32),
  address: '127.0.0.1',
  sshPort: 2222,
  hostKey: key,
  cpus: 1,
  startedAt: 0,
  now: 0,
  versions: {},
  faults: [],
};

it('does not wait for the end of a worker that is expelled after it was released', async () => {
  const shared = mkdtempSync(join(tmpdir(), 'join-server-'));
  onTestFinished(() => rmSync(shared, { recursive: true }));
  const secret = Buffer.alloc(32, 7);
  mkdirSync(join(shared, folder), { recursive: true });
  writeFileSync(join(shared, folder, 'secret'), secret.toString('hex'));
  let nonces = 0;
  const means = { clock: realClock, makeNonce: () => `${nonces++}`.padStart(32, '0'), log: quiet };
  const server = await startJoinServer({
    ...means,
    identity: { run: 'a-0123456789a', job: 'j', attempt: 1 },
    nodes: 2,
    mainIndex: 0,
    folder,
    secret,
    address: '127.0.0.1',
    port,
    clientKey: key,
    listener: { joined: quiet, faulty: quiet, unreadable: quiet, lost: quiet, said: quiet, used: quiet },
  });
  onTestFinished(() => server.close());
  const config = { runId: 'a-0123456789a', jobId: 'j', attempt: 1, index: 1, shared, joinPort: port };
  const joined = await joinMain(
    {
      ...means,
      config: config as RunnerConfig,
      mainAddress: '127.0.0.1',
      ownAddress: '127.0.0.1',
      facts: () => facts,
    },
    realClock.now() + 5000,
    new AbortController().signal,
  );
  expect(joined).toMatchObject({ kind: 'in' });

  await server.release(0);
  await server.expel(1, 'its channel broke');
});
