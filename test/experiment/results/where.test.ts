import { describe, expect, it } from 'vitest';
import { BadQuestion, compareCells, parseWhere } from '../../../experiment/results/where.ts';

const COLUMNS = ['speed', 'mode', 'seconds', 'end', 'stats.mean'];
const row = { speed: '2.0', mode: 'a b', seconds: '10.5', end: 'exit 3', 'stats.mean': '' };

describe('what is asked of rows', () => {
  it.each([
    ['speed=2', true],
    ['speed = 2.00 && seconds>10', true],
    ['speed=2 && seconds>10.5', false],
    ['seconds>=10.5', true],
    ['seconds<9', false],
    ['seconds<=1e3', true],
    ['speed!=2', false],
    ['mode="a b"', true],
    ["mode='a'", false],
    ['mode>a', true],
    ['end=exit 3', true],
    ['stats.mean=', true],
    ['stats.mean<5', false],
    ['stats.mean!=5', true],
  ])('%s: %s', (question, expected) => {
    expect(parseWhere(question, COLUMNS)(row)).toBe(expected);
  });

  it.each([
    ['spede=2', 'there is no column spede; there are speed, mode, seconds, end, stats.mean'],
    ['speed', '`speed` is no condition'],
    ['', '`` is no condition'],
    ['speed=2 &&', '`` is no condition'],
    ['speed~2', '`speed~2` is no condition'],
  ])('%j is refused: %s', (question, said) => {
    expect(() => parseWhere(question, COLUMNS)).toThrow(said);
    expect(() => parseWhere(question, COLUMNS)).toThrow(BadQuestion);
  });

  it('is ordered as numbers, then as texts, empty cells last', () => {
    expect(['b', '', '10', 'a', '9', '-1'].sort(compareCells)).toEqual(['-1', '9', '10', 'a', 'b', '']);
  });
});
