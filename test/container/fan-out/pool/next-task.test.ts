import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startPool } from '../../../../container/fan-out/pool/pool.ts';
import { realClock } from '../../../../local/clock/real.ts';
import type { LoopbackNodes } from '../../../support/loopback-nodes.ts';
import { loopbackNodes } from '../../../support/loopback-nodes.ts';
import type { FanoutRun } from '../../../support/run-fan-out.ts';
import { runFanout } from '../../../support/run-fan-out.ts';

const SLOTS = 2;
const ALL_SLOTS = 4;
/** Long enough that tasks go alone. */
const TASK = 'sleep 0.4';
const WAITS = 'until [ -e gate ]; do sleep 0.05; done';
const PATIENCE = { timeout: 20_000, interval: 50 };

let nodes: LoopbackNodes;
beforeAll(async () => {
  nodes = await loopbackNodes(2);
});
afterAll(() => nodes.close());

const inWork = (run: FanoutRun, name: string) => join(run.request.workdir, name);

/** Tasks whose files were opened: this is what waits for a slot has done, and it stays to be seen. */
const prepared = ({ request: { results } }: FanoutRun) => readdirSync(join(results, '1')).length;

describe('where tasks go alone', () => {
  it('the next waits for a slot with its group runner started, and none before its slot is free', async () => {
    const known = 8;
    const commands = Array.from({ length: 24 }, (_, at) =>
      at < known ? `: ${at}; ${TASK}` : `: ${at}; echo >> begun; ${WAITS}`,
    );
    const run = runFanout(startPool(realClock), nodes, commands, { slots: SLOTS });
    const begun = () =>
      existsSync(inWork(run, 'begun')) ? readFileSync(inWork(run, 'begun'), 'utf8').length : 0;
    // Every slot has a task that cannot end; what was started besides waits.
    await vi.waitFor(() => {
      expect(begun()).toBe(ALL_SLOTS);
      expect(prepared(run)).toBeGreaterThan(known + ALL_SLOTS);
    }, PATIENCE);
    expect(run.running.running()).toBe(ALL_SLOTS);
    expect(begun()).toBe(ALL_SLOTS);
    writeFileSync(inWork(run, 'gate'), '');
    expect(await run.result).toMatchObject({ succeeded: 24, failed: 0, unfinished: 0 });
  });

  it('what waits behind a long task goes to a node with a free slot', async () => {
    const [long] = nodes.addresses;
    const commands = Array.from(
      { length: 16 },
      (_, at) =>
        `: ${at}; if [ $PARALLEL_SSHHOST = ${long} ] && [ ${at} -ge 4 ]; then ${WAITS}; else ${TASK}; fi`,
    );
    const run = runFanout(startPool(realClock), nodes, commands, { slots: SLOTS });
    // All but the two in whose slots they are.
    await vi.waitFor(() => expect(run.rows).toHaveLength(16 - SLOTS), PATIENCE);
    writeFileSync(inWork(run, 'gate'), '');
    expect(await run.result).toMatchObject({ succeeded: 16, failed: 0, unfinished: 0 });
  });
});
