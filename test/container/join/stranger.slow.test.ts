import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { JOIN_PORT, test } from '../../support/loopback-cluster.ts';

/** Says the lines of its standard input on a connection for each, again and again, and prints what is answered. */
const ATTACK = `
use IO::Socket::INET;
my ($host, $port, $times) = splice @ARGV, 0, 3;
for (1 .. $times) {
    my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 5) or next;
    for my $line (@ARGV) { print $socket "$line\\n"; my $answer = <$socket> // last; print $answer }
}`;

test('another user of this machine, without the key, ends no run that is joining and learns nothing of it', {
  timeout: 120_000,
}, async ({ aCluster }) => {
  const cluster = await aCluster(['true'], {
    cluster: { nodes: 2, vcpus: 2, memoryMiB: 512 },
    minNodes: 2,
    timeouts: { queueSeconds: 60, joinSeconds: 60, runSeconds: 60 },
  });
  const attack = (times: number, ...messages: object[]) => {
    const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
    const lines = messages.map((message) => JSON.stringify(message));
    const target = [cluster.address(0), String(JOIN_PORT), String(times)];
    const child = spawn('setpriv', [...nobody, 'perl', '-e', ATTACK, ...target, ...lines]);
    return text(child.stdout);
  };
  const hello = { t: 'hello', version: 1, run: 'x', job: 'j', attempt: 1, index: 1, nonce: '0'.repeat(32) };
  const unreadable = { t: 'unreadable', what: `EIO. Ask help@evil.example ${'x'.repeat(3000)}` };
  const main = cluster.start(0);
  await expect.poll(main.output).toContain('Join:Listening');

  const learnt = await attack(1, hello);
  expect(learnt).toContain('"refused"');
  for (const secret of [cluster.runId, cluster.jobId]) expect(learnt).not.toContain(secret);
  const known = { ...hello, run: cluster.runId, job: cluster.jobId };
  await attack(500, known, unreadable);
  const worker = cluster.start(1);

  expect(await main.exited, main.output()).toBe(0);
  expect(await worker.exited).toBe(0);
  expect(main.output().split('evil.example')).toHaveLength(2);
});
