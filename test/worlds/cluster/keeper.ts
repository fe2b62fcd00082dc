import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { removeCluster } from './record.ts';

/**
 * The keeper of a cluster, a process in a network namespace of its own: `unshare --net node keeper.ts ID ADDRESS/BITS`.
 * It holds the bridge, opens the door (a listening socket on the bridge's address, which it hands to its parent), and when
 * the parent is gone, however that ended, it removes whatever is left of the cluster.
 */
const [id = '', network = ''] = process.argv.slice(2);
const [address = ''] = network.split('/');

process.on('disconnect', () => {
  removeCluster(id).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
// A terminal's Ctrl-C is the parent's to handle; with the parent the channel ends.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);

const made = spawnSync('ip', ['-batch', '-'], {
  input: `link set lo up
link add br0 type bridge
address add ${network} dev br0
link set br0 up
`,
  encoding: 'utf8',
});
if (made.status !== 0) {
  process.stderr.write(`ip: ${made.error?.message ?? made.stderr}\n`);
  process.exit(1);
}
const door = createServer();
door.listen({ host: address, port: 0 }, () => {
  const bound = door.address();
  const port = typeof bound === 'object' ? bound?.port : undefined;
  // The parent's from now on: with a copy of our own, half of the callers would knock here.
  process.send?.({ port }, door, {}, () => door.close());
});
