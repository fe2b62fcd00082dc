import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPool } from '../../../../container/fan-out/pool/pool.ts';
import { parseJoblog } from '../../../../experiment/results/joblog.ts';
import type { LoopbackNodes } from '../../../support/loopback-nodes.ts';
import { loopbackNodes } from '../../../support/loopback-nodes.ts';
import { runFanout } from '../../../support/run-fan-out.ts';

const SLOTS = 2;
const TASK_SECONDS = 0.4;
/** Says how old, in seconds, the program is that started it. */
const AGE =
  'read -r up _ < /proc/uptime; read -r -a stat < /proc/$PPID/stat; echo "$up $((stat[21]))" >> said';

let nodes: LoopbackNodes;
beforeAll(async () => {
  nodes = await loopbackNodes(2);
});
afterAll(() => nodes.close());

describe('where tasks go alone', () => {
  it('the next waits for a slot with its group runner started, and none before its slot is free', async () => {
    const commands = Array.from({ length: 24 }, (_, at) => `: ${at}; ${AGE}; sleep ${TASK_SECONDS}`);
    const run = runFanout(startPool, nodes, commands, { slots: SLOTS });
    expect(await run.result).toMatchObject({ succeeded: 24, failed: 0, unfinished: 0 });

    const ages = readFileSync(join(run.request.workdir, 'said'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => {
        const [up = 0, startedTicks = 0] = line.split(' ').map(Number);
        return up - startedTicks / 100;
      });
    // The first and the last round, and what came between them before a duration was known, are started into free slots.
    const waited = ages.filter((age) => age > TASK_SECONDS / 2);
    expect(waited.length).toBeGreaterThanOrEqual(8);

    const rows = parseJoblog(readFileSync(run.request.joblog, 'utf8'));
    for (const host of nodes.addresses) {
      const here = rows.filter((row) => row.host === host);
      // Times are rounded to a millisecond.
      const atOnce = here.map(
        ({ startTime }) =>
          here.filter((row) => row.startTime <= startTime && startTime + 0.002 < row.startTime + row.runtime)
            .length,
      );
      expect(Math.max(...atOnce)).toBeLessThanOrEqual(SLOTS);
    }
  });

  it('what waits behind a long task goes to a node with a free slot', async () => {
    const [long, ...short] = nodes.addresses;
    const commands = Array.from({ length: 16 }, (_, at) =>
      at === 15
        ? 'true'
        : `: ${at}; if [ $PARALLEL_SSHHOST = ${long} ] && [ ${at} -ge 4 ]; then sleep 4; else sleep 0.2; fi`,
    );
    const run = runFanout(startPool, nodes, commands, { slots: SLOTS });
    expect(await run.result).toMatchObject({ succeeded: 16, failed: 0, unfinished: 0 });
    const rows = parseJoblog(readFileSync(run.request.joblog, 'utf8'));
    expect(rows.filter(({ host }) => short.includes(host)).length).toBeGreaterThan(10);
  });
});
