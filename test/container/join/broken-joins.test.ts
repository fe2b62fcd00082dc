import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { LoopbackCluster } from '../../support/loopback-cluster.ts';
import { JOIN_PORT, loopbackCluster } from '../../support/loopback-cluster.ts';

let cluster: LoopbackCluster | undefined;
let line: Line | undefined;
afterEach(async () => {
  line?.close();
  await cluster?.close();
  line = undefined;
  cluster = undefined;
});

const twoNodes = { cluster: { nodes: 2, vcpus: 2, memoryMiB: 512 }, minNodes: 2 };

describe('a worker whose connection to node 0 breaks', () => {
  it('just when it says that it is ready, says so again', { timeout: 60_000 }, async () => {
    const timeouts = { queueSeconds: 60, joinSeconds: 15, runSeconds: 60 };
    cluster = await loopbackCluster(['true'], { ...twoNodes, timeouts });
    const main = cluster.start(0);
    line = await lineTo(cluster.address(0), cluster.address(100));
    line.cutAt('"t":"ready"');
    const worker = cluster.start(1, {
      AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS: cluster.address(100),
    });
    expect(await main.exited, main.output()).toBe(0);
    expect(await worker.exited, worker.output()).toBe(0);
    expect(worker.output()).toContain('Join:Broken');
  });

  it('just when it is released ends all the same, and does not wait for node 0', {
    timeout: 60_000,
  }, async () => {
    cluster = await loopbackCluster([], {
      ...twoNodes,
      work: { kind: 'sierra', args: [], pipeline: [3], onFailedRuns: 'process' },
    });
    const bin = join(cluster.base, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'sierra'), `#!/bin/sh\nuntil [ -e ${cluster.base}/go-on ]; do sleep 0.1; done\n`);
    chmodSync(join(bin, 'sierra'), 0o755);
    const main = cluster.start(0, { PATH: `${bin}:${process.env.PATH}` });
    line = await lineTo(cluster.address(0), cluster.address(100));
    line.cutAt('"t":"release"');
    const worker = cluster.start(1, {
      AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS: cluster.address(100),
    });
    expect(await worker.exited, worker.output()).toBe(0);
    expect(main.child.exitCode).toBeNull();
    writeFileSync(join(cluster.base, 'go-on'), '');
    expect(await main.exited, main.output()).toBe(0);
  });
});

interface Line {
  /** The first message with this text breaks the connection and does not arrive; later connections are whole. */
  cutAt(text: string): void;
  close(): void;
}

/** Stands between a worker and the join port. */
async function lineTo(mainAddress: string, address: string): Promise<Line> {
  let cut: string | undefined;
  const sockets = new Set<Socket>();
  const server: Server = createServer((worker) => {
    const main = connect(JOIN_PORT, mainAddress);
    const end = () => {
      worker.destroy();
      main.destroy();
    };
    for (const socket of [worker, main]) {
      sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    const pass = (to: Socket) => (chunk: Buffer) => {
      if (cut === undefined || !chunk.includes(cut)) {
        to.write(chunk);
        return;
      }
      cut = undefined;
      end();
    };
    worker.on('data', pass(main));
    main.on('data', pass(worker));
  });
  await new Promise<void>((resolve) => server.listen(JOIN_PORT, address, resolve));
  return {
    cutAt: (text) => {
      cut = text;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
