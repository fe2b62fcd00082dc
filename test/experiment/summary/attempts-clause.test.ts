import { expect, it } from 'vitest';
import { attemptsClause } from '../../../experiment/summary/attempts-clause.ts';
import { iso } from '../../fixtures/records.ts';

const lost = (...nodes: number[]) => nodes.map((node, at) => ({ node, at: iso(at), because: 'silent' }));
const first = { attempt: 1, ended: 120, underWay: 4, seconds: 14, lost: lost(3) };
const last = { attempt: 2, ended: 80, underWay: 0, seconds: 25, lost: lost() };

it.each([
  ['nothing to tell', [{ ...last, attempt: 1, ended: 200 }], ''],
  [
    'a lost node of the only attempt',
    [{ ...last, attempt: 1, ended: 200, lost: lost(2) }],
    ' Node 2 was lost at 09:00:00 UTC; the others took over its tasks.',
  ],
  [
    'a second attempt after a lost node',
    [first, last],
    ' Attempt 1 lost node 3 (09:00:00 UTC) and stopped with 120 tasks ended and 4 under way. Attempt 2 ran the other 80 tasks.',
  ],
  [
    'a second attempt of what had failed as well, which lost nodes too',
    [first, { ...last, ended: 95, lost: lost(1, 2) }],
    ' Attempt 1 lost node 3 (09:00:00 UTC) and stopped with 120 tasks ended and 4 under way. Attempt 2 ran 95 tasks. In attempt 2, nodes 1 and 2 were lost, the first at 09:00:00 UTC; the others took over their tasks.',
  ],
  [
    'a first attempt to which too few nodes came',
    [
      { ...first, ended: 0, underWay: 0, lost: lost() },
      { ...last, ended: 200 },
    ],
    ' Attempt 1 stopped before any task began. Attempt 2 ran 200 tasks.',
  ],
])('%s', (_, attempts, said) => {
  expect(attemptsClause(attempts, { rest: 200, isOver: true })).toBe(said);
});

it('says of no run that did not end well that others took over', () => {
  expect(attemptsClause([{ ...last, attempt: 1, lost: lost(2) }], { rest: 200, isOver: false })).toBe(
    ' Node 2 was lost at 09:00:00 UTC.',
  );
});
