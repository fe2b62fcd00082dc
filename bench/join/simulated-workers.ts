// Workers that join node 0 by the runner's own code, all at once and all in this process, and say that their sshd is up.
//
//   node bench/join/simulated-workers.ts WORKERS PLACE
//
// PLACE: what node 0 told, a JoinPlace. Ends when it is killed.

import { readFileSync } from 'node:fs';
import { joinMain } from '../../container/join/client.ts';
import { live } from '../../container/process/live.ts';
import type { JoinPlace } from './host.ts';

const JOIN_WITHIN_MS = 60_000;
const [count = '', said = ''] = process.argv.slice(2);
const { config, mainAddress }: JoinPlace = JSON.parse(said);
const { clock, makeNonce } = live();
// As long as a real one.
const hostKey = `ssh-ed25519 ${Buffer.alloc(51, 1).toString('base64')}`;
const cpus = readFileSync('/proc/cpuinfo', 'utf8').match(/^processor/gm)?.length ?? 1;
const [, block = ''] = /^(.*)\.\d+$/.exec(mainAddress) ?? [];
const net = block.split('.').slice(0, 2).join('.');

const deadline = clock.now() + JOIN_WITHIN_MS;
await Promise.all(
  Array.from({ length: Number(count) }, async (_, at) => {
    const index = at + 1;
    // One address each.
    const ownAddress = `${net}.${250 + Math.floor(at / 250)}.${(at % 250) + 2}`;
    const instance = makeNonce();
    const joined = await joinMain(
      {
        config: { ...config, index },
        mainAddress,
        ownAddress,
        facts: () => ({
          instance,
          address: ownAddress,
          sshPort: config.sshPort,
          hostKey,
          cpus,
          startedAt: clock.now(),
          now: clock.now(),
          versions: {},
          faults: [],
        }),
        clock,
        makeNonce,
        log: () => undefined,
      },
      deadline,
      new AbortController().signal,
    );
    if (joined.kind === 'in') joined.session.connection.send({ t: 'ready' });
    else console.error(`worker ${index}: ${joined.kind}: ${joined.why}`);
  }),
);
