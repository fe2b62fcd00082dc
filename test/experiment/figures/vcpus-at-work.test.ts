import { expect, it } from 'vitest';
import { lifeSeconds, vcpusAtWork } from '../../../experiment/figures/vcpus-at-work.ts';
import { iso } from '../../fixtures/records.ts';

it.each([
  [{ joinedAt: iso(0), releasedAt: iso(40) }, 40],
  [{ joinedAt: iso(0), lostAt: iso(10), releasedAt: iso(40) }, 10],
  [{ joinedAt: iso(0) }, undefined],
  [{ releasedAt: iso(40) }, undefined],
  [{ joinedAt: iso(0), releasedAt: 'soon' }, undefined],
  [{ joinedAt: iso(5), releasedAt: iso(5) }, undefined],
])('a node %o took part for %s s', (node, seconds) => {
  expect(lifeSeconds(node)).toBe(seconds);
});

it('vCPUs at work are unknown where CPU time or how long the node took part is', () => {
  expect([vcpusAtWork(80, 40), vcpusAtWork(undefined, 40), vcpusAtWork(80, undefined)]).toEqual([
    2,
    undefined,
    undefined,
  ]);
});
