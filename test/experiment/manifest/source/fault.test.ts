import { expect, it } from 'vitest';
import type { Fault } from '../../../../experiment/manifest/source/fault.ts';
import { renderFaults } from '../../../../experiment/manifest/source/fault.ts';

const fault = (more: Partial<Fault>): Fault => ({
  code: 'c',
  path: 'p',
  line: 1,
  column: 1,
  text: 'x',
  message: 'm',
  ...more,
});

it.each([
  ['as wide as the text', 'nodes: four', { column: 8, text: 'four' }, '       ^^^^'],
  ['no wider than the line', 'a: [1,', { column: 4, text: '[1,\n2]\n' }, '   ^^^'],
  ['one sign where nothing stands', 'a:', { column: 3, text: '' }, '  ^'],
])('marks a fault: %s', (_, source, more, mark) => {
  const [place, line, marks] = renderFaults([fault(more)], 'f.yaml', source).split('\n');
  expect(place).toBe(`f.yaml:1:${more.column}: p: m`);
  expect(line).toBe(`  1 | ${source}`);
  expect(marks).toBe(`    | ${mark}`);
});

it('shows a long line around its fault', () => {
  const source = `${'a'.repeat(200)}WRONG${'b'.repeat(200)}`;
  const [, line = '', marks = ''] = renderFaults([fault({ column: 201, text: 'WRONG' })], 'f', source).split(
    '\n',
  );
  expect(line).toHaveLength(6 + 120);
  expect(line.slice(marks.indexOf('^'), marks.length)).toBe('WRONG');
});

it('counts the faults beyond the hundredth', () => {
  const many = Array.from({ length: 102 }, () => fault({ line: 0 }));
  const shown = renderFaults(many, 'f', '').split('\n');
  expect(shown.filter((line) => line === 'f: p: m')).toHaveLength(100);
  expect(shown).toContain('… and 2 more.');
  expect(renderFaults(many.slice(2), 'f', '')).not.toContain('more');
});
