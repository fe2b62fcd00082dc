import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStock } from '../../../../container/fan-out/stock/stock.ts';
import { realClock } from '../../../../local/clock/real.ts';
import type { LoopbackNodes } from '../../../support/loopback-nodes.ts';
import { loopbackNodes } from '../../../support/loopback-nodes.ts';
import { runFanout } from '../../../support/run-fan-out.ts';

let nodes: LoopbackNodes;
beforeAll(async () => {
  nodes = await loopbackNodes(2);
});
afterAll(() => nodes.close());

describe('the stock fan-out', () => {
  it('that the user has halted after a failure is not broken', async () => {
    const run = runFanout(startStock(realClock), nodes, ['exit 3', ...Array<string>(20).fill('sleep 1')], {
      slots: 1,
      environment: { PATH: process.env.PATH ?? '', PARALLEL: '--halt now,fail=1' },
    });
    const result = await run.result;
    expect(result).toMatchObject({ failed: 1 });
    expect(result.broken).toBeUndefined();
    expect(result.succeeded + result.failed + result.unfinished).toBe(21);
  });

  it('is broken where GNU parallel did nothing, whatever the user would have halted', async () => {
    const environment = { PARALLEL: '--halt now,fail=1 --no-such-option' };
    const nothing = runFanout(startStock(realClock), nodes, ['true'], { environment });
    expect(await nothing.result).toMatchObject({
      unfinished: 1,
      broken: expect.stringContaining('no-such-option'),
    });
    const missing = runFanout(startStock(realClock), nodes, ['true'], { path: '/nowhere' });
    expect(await missing.result).toMatchObject({ broken: "perl is not on the runner's PATH" });
  });
});
