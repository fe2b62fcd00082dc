import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LoadSeries } from '../../../experiment/figures/load-series.ts';
import { MAX_POINTS, parseLoad } from '../../../experiment/records/load.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const heard = fc.record({
  node: fc.nat(3),
  load: fc.record({ cpu: share, memory: share, disk: share }, { requiredKeys: [] }),
  afterSeconds: fc.oneof(fc.nat(10), fc.nat(5000)),
});

test('each point is the mean of what was heard in its time, in at most 240 points, however long it takes', () => {
  fc.assert(
    fc.property(fc.array(heard, { minLength: 1, maxLength: 300 }), (all) => {
      const series = new LoadSeries();
      let at = 0;
      const told = all.map(({ node, load, afterSeconds }) => {
        at += afterSeconds * 1000;
        series.heard(node, load, at);
        return { node, load, seconds: (at - (all[0]?.afterSeconds ?? 0) * 1000) / 1000 };
      });
      const record = series.record();
      expect(parseLoad(JSON.stringify(record))).toEqual(record);
      const seconds = record?.seconds ?? 0;
      expect(Number.isInteger(Math.log2(seconds / 5))).toBe(true);
      // No longer apart than it must be.
      expect(seconds === 5 || at >= (seconds / 2) * MAX_POINTS * 1000).toBe(true);
      for (const { node, ...figures } of record?.nodes ?? [])
        for (const figure of ['cpu', 'memory', 'disk'] as const)
          figures[figure].forEach((point, index) => {
            const then = told.flatMap((one) =>
              one.node === node && Math.floor(one.seconds / seconds) === index
                ? (one.load[figure] ?? [])
                : [],
            );
            if (then.length === 0) expect(point).toBeNull();
            else expect(point).toBeCloseTo(then.reduce((sum, one) => sum + one, 0) / then.length, 2);
          });
    }),
  );
});
