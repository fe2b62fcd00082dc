import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  FanoutHooks,
  FanoutRequest,
  FanoutResult,
  RunningFanout,
  StartFanout,
} from '../../container/fan-out/fan-out.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import type { LoopbackNodes } from './loopback-nodes.ts';

let runs = 0;

export interface FanoutRun {
  running: RunningFanout;
  result: Promise<FanoutResult>;
  rows: JoblogRow[];
  retries: JoblogRow[];
  lost: { node: number; why: string }[];
  logged: { event: string; fields: unknown }[];
  request: FanoutRequest;
}

/** Starts a scheme over the nodes with a list of commands, in folders of its own. */
export function runFanout(
  start: StartFanout,
  nodes: LoopbackNodes,
  commands: readonly string[],
  more: Partial<FanoutRequest & FanoutHooks> & { slots?: number } = {},
): FanoutRun {
  const folder = join(nodes.folder, `run-${runs++}`);
  mkdirSync(folder);
  const commandsFile = join(folder, 'commands.txt');
  writeFileSync(commandsFile, commands.map((command) => `${command}\n`).join(''));
  const { onChannelLost, onRow, slots = 2, ...requested } = more;
  const request: FanoutRequest = {
    commandsFile,
    total: commands.length,
    done: new Set(),
    nodes: nodes.addresses.map((address, index) => ({ index, address, slots })),
    workdir: join(folder, 'work'),
    results: join(folder, 'results'),
    joblog: join(folder, 'joblog'),
    scratch: join(folder, 'scratch'),
    sshConfig: nodes.sshConfig,
    environment: { PATH: process.env.PATH ?? '', HOME: join(folder, 'home') },
    path: process.env.PATH ?? '',
    taskRetries: 0,
    ...requested,
  };
  const run: Omit<FanoutRun, 'running' | 'result'> = { rows: [], retries: [], lost: [], logged: [], request };
  const running = start(request, {
    onRow: (row, node, about) => {
      run.rows.push(row);
      onRow?.(row, node, about);
    },
    onRetry: (row) => run.retries.push(row),
    onChannelLost: async (node, why) => {
      run.lost.push({ node, why });
      return onChannelLost === undefined ? 'evict' : onChannelLost(node, why);
    },
    log: (event, fields) => run.logged.push({ event, fields }),
  });
  return { ...run, running, result: running.result };
}
