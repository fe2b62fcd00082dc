// One run of a fan-out of the runner in a process of its own, as node 0 would run it:
//
//   node bench/fan-out-process.ts REQUEST
//
// REQUEST: a JSON file, a FanOutJob. Prints a FanOutReport as JSON.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { FanoutHooks, FanoutNode, FanoutRequest } from '../container/fan-out/fan-out.ts';
import { OpenedChannels } from '../container/fan-out/pool/early-channels.ts';
import { startPool } from '../container/fan-out/pool/pool.ts';
import { startStock } from '../container/fan-out/stock/stock.ts';
import { realClock } from '../local/clock/real.ts';
import { cpuMs } from './cpu-time.ts';

export interface FanOutJob {
  scheme: 'stock' | 'pool';
  nodes: FanoutNode[];
  commandsFile: string;
  total: number;
  /** An empty folder on the storage that the nodes share. */
  folder: string;
  sshConfig: string;
  environment: Record<string, string>;
}

export interface FanOutReport {
  seconds: number;
  /** Of node 0, ssh clients and all. */
  cpuMs: number;
  succeeded: number;
  peakMiB: number;
  /** What it said of itself, its first failed rows, and last why it broke. */
  said: readonly string[];
}

const MAX_SAID = 10;

/** Ample for connections to sixteen nodes on two cores. */
const OPENED_MS = 2500;

const file = process.argv[2];
if (file === undefined) throw new Error('no request given');
const job: FanOutJob = JSON.parse(readFileSync(file, 'utf8'));
const request: FanoutRequest = {
  commandsFile: job.commandsFile,
  total: job.total,
  done: new Set(),
  nodes: job.nodes,
  workdir: `${job.folder}/work`,
  results: `${job.folder}/results`,
  joblog: `${job.folder}/joblog`,
  scratch: `${job.folder}/scratch`,
  sshConfig: job.sshConfig,
  environment: job.environment,
  path: process.env.PATH ?? '',
  taskRetries: 0,
};
const said: string[] = [];
const say = (...words: unknown[]) => {
  if (said.length < MAX_SAID) said.push(words.map((word) => JSON.stringify(word)).join(' '));
};
const hooks: FanoutHooks = {
  onRow: (row) => {
    if (row.exitval !== 0) say(row);
  },
  onChannelLost: async () => 'evict',
  log: say,
};
// As in the runner, which opens them as nodes join and starts once all are there.
const opened = job.scheme === 'pool' ? new OpenedChannels(request) : undefined;
if (opened !== undefined) {
  for (const node of job.nodes) await opened.open(node);
  await delay(OPENED_MS);
}
const cpuBefore = cpuMs();
const begin = performance.now();
const running =
  job.scheme === 'pool'
    ? startPool(realClock, opened)(request, hooks)
    : startStock(realClock)(request, hooks);
const { succeeded, broken } = await running.result;
const report: FanOutReport = {
  seconds: (performance.now() - begin) / 1000,
  cpuMs: cpuMs() - cpuBefore,
  succeeded,
  peakMiB: process.resourceUsage().maxRSS / 1024,
  said: broken === undefined ? said : [...said, broken],
};
console.log(JSON.stringify(report));
