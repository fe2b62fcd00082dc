import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { FanoutHooks, FanoutRequest } from '../../../../container/fan-out/fan-out.ts';
import type { Group, NodeMessage, Row } from '../../../../container/fan-out/pool/agent-messages.ts';
import type { ChannelListener } from '../../../../container/fan-out/pool/channel.ts';
import { CommandIndex } from '../../../../container/fan-out/pool/command-index.ts';
import { Pool } from '../../../../container/fan-out/pool/dispatcher.ts';
import { JoblogWriter } from '../../../../container/fan-out/pool/joblog-writer.ts';
import type { JoblogRow } from '../../../../experiment/results/joblog.ts';
import { joblogRows } from '../../../../experiment/results/joblog.ts';
import type { Clock } from '../../../../experiment/util/clock.ts';
import { realClock } from '../../../../local/clock/real.ts';

/** A task that succeeded. */
export const A_ROW: Row = {
  kind: 'row',
  group: 1,
  seq: 1,
  startTime: 1000,
  runtime: 1,
  exitval: 0,
  signal: 0,
  bytes: 7,
  opening: 0,
  left: 0,
  isOutOfMemory: false,
};

/** A connection to a node that does what a test says. */
export class FakeChannel {
  readonly node: number;
  /** What it was given and has neither told nor given back. */
  readonly groups = new Map<number, Set<number>>();
  readonly said: string[] = [];
  isOpen = true;
  #listener: ChannelListener | undefined;

  constructor(node: number) {
    this.node = node;
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener;
  }
  send({ id, ranges }: Group): void {
    const seqs = ranges.flatMap(({ first, count }) => Array.from({ length: count }, (_, at) => first + at));
    this.groups.set(id, new Set(seqs));
  }
  end(): void {
    this.close('ended', true);
  }
  stop(graceMs: number): void {
    this.said.push(`stop ${graceMs}`);
    this.close('stopped', true);
  }
  breakOff(): void {
    this.close('broken off', false);
  }
  abandon(): void {
    this.isOpen = false;
  }
  close(why: string, asked: boolean): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#listener?.onClose(why, asked);
  }
  tell(message: NodeMessage): void {
    this.#listener?.onMessage(message);
  }
  row(seq: number, more: Partial<Row> = {}): void {
    const group = [...this.groups].find(([, seqs]) => seqs.has(seq))?.[0] ?? 0;
    this.groups.get(group)?.delete(seq);
    const row = { ...A_ROW, group, seq, startTime: 1000 + seq, ...more };
    this.tell(row);
  }
  giveBack(seq: number): void {
    const group = [...this.groups].find(([, seqs]) => seqs.has(seq))?.[0] ?? 0;
    this.groups.get(group)?.delete(seq);
    this.tell({ kind: 'given-back', group, seq });
  }
  endGroup(group: number): void {
    this.groups.delete(group);
    this.tell({ kind: 'end', group });
  }
  /** Tasks that it has begun or is to begin. */
  under(): number[] {
    return [...this.groups.values()].flatMap((seqs) => [...seqs]);
  }
}

/** A pool of so many commands on two nodes of one slot each. `end` waits for it, and answers what it came to. */
export async function aPool(
  total: number,
  { clock = realClock, ...more }: Partial<FanoutRequest> & { clock?: Clock } = {},
  hooks: Partial<FanoutHooks> = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'sbd-'));
  const commandsFile = join(folder, 'commands.txt');
  const joblog = join(folder, 'joblog');
  writeFileSync(commandsFile, Array.from({ length: total }, (_, at) => `c ${at + 1}\n`).join(''));
  const nodes = more.nodes ?? [0, 1].map((index) => ({ index, address: `10.0.0.${index}`, slots: 1 }));
  const request: FanoutRequest = {
    commandsFile,
    total,
    done: new Set(),
    nodes,
    workdir: folder,
    results: folder,
    joblog,
    scratch: folder,
    sshConfig: '',
    environment: {},
    path: '',
    taskRetries: 0,
    ...more,
  };
  const channels: FakeChannel[] = [];
  const rows: [JoblogRow, number][] = [];
  const retries: number[] = [];
  const commands = await CommandIndex.open(commandsFile, total);
  const writer = await JoblogWriter.open(joblog);
  const pool = new Pool(
    request,
    {
      onRow: (row, node) => rows.push([row, node]),
      onRetry: ({ seq }) => retries.push(seq),
      onChannelLost: async () => 'reconnect',
      log: () => undefined,
      ...hooks,
    },
    {
      commands,
      joblog: writer,
      clock,
      connect: ({ index }) => {
        const channel = new FakeChannel(index);
        channels.push(channel);
        return channel;
      },
    },
  );
  for (const node of nodes) pool.addNode(node);
  const of = (node: number) => {
    const channel = channels.findLast((one) => one.node === node);
    if (channel === undefined) throw new Error(`node ${node} has no connection`);
    return channel;
  };
  const close = async () => {
    await commands.close();
    await writer.close().catch(() => undefined); // closed before
  };
  onTestFinished(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });
  const end = async () => {
    const result = await pool.finished();
    await close();
    const rowsThere = joblogRows(readFileSync(joblog, 'utf8'));
    rmSync(folder, { recursive: true });
    return { result, joblog: rowsThere };
  };
  return { pool, channels, of, rows, retries, end };
}

/** All that can go on without a message has. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
