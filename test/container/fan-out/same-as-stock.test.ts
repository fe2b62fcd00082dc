import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartFanout } from '../../../container/fan-out/fan-out.ts';
import { startPool } from '../../../container/fan-out/pool/pool.ts';
import { startStock } from '../../../container/fan-out/stock/stock.ts';
import { parseJoblog } from '../../../experiment/results/joblog.ts';
import { realClock } from '../../../local/clock/real.ts';
import type { LoopbackNodes } from '../../support/loopback-nodes.ts';
import { loopbackNodes } from '../../support/loopback-nodes.ts';
import { runFanout } from '../../support/run-fan-out.ts';
import { ODD_COMMANDS } from './odd-commands.ts';

let nodes: LoopbackNodes;
beforeAll(async () => {
  nodes = await loopbackNodes(3);
});
afterAll(() => nodes.close());

describe('pool and stock', () => {
  it(`leave the same rows and the same results of ${ODD_COMMANDS.length} odd commands`, async () => {
    const [stock, pool] = await Promise.all([run(startStock(realClock)), run(startPool(realClock))]);
    expect(pool.result).toEqual(stock.result);
    expect(pool.header).toBe(stock.header);
    expect(pool.rows.length).toBe(ODD_COMMANDS.length);
    expect(pool.rows).toEqual(stock.rows);
    expect(pool.tree).toEqual(stock.tree);
  }, 60_000);
});

async function run(start: StartFanout) {
  const { request, result } = runFanout(start, nodes, ODD_COMMANDS);
  mkdirSync(request.workdir, { recursive: true });
  const { succeeded, failed, unfinished, broken } = await result;
  const joblog = readFileSync(request.joblog, 'utf8');
  return {
    result: { succeeded, failed, unfinished, broken },
    header: joblog.split('\n')[0],
    rows: parseJoblog(joblog)
      .toSorted((a, b) => a.seq - b.seq)
      .map(({ host: _host, startTime: _start, runtime: _runtime, ...row }) => row),
    tree: resultsOf(request.results, request.workdir),
  };
}

/** Every file of a results tree by its path, with what it holds. Names are cut at 255 bytes, perhaps within a character. */
function resultsOf(results: string, workdir: string): Map<string, string> {
  const files: [string, string][] = [];
  const walk = (folder: string) => {
    for (const entry of readdirSync(bytes(folder), { withFileTypes: true, encoding: 'latin1' })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else files.push([path.slice(results.length + 1), plain(readFileSync(bytes(path)), workdir)]);
    }
  };
  walk(results);
  return new Map(files.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const bytes = (path: string) => Buffer.from(path, 'latin1');

/** What may differ is taken out; of long content its length and its end are kept. */
function plain(content: Buffer, workdir: string): string {
  const text = content
    .toString('latin1')
    .replaceAll(workdir, 'WORKDIR')
    .replaceAll(/\/\S*\/par-job-\d+\w*: /g, 'SCRIPT: ')
    .replaceAll(/(line \d+: ) *\d+( Killed| Aborted)/g, '$1PID$2');
  return text.length > 500 ? `${text.length}: ${text.slice(-400)}` : text;
}
