import { existsSync, readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { screenAfter, terminalPicture, textOf } from '../../../scripts/pictures/main.ts';
import { repository } from '../../cli/context.ts';

test('README shows pictures that are there, light enough to be loaded, in at most 150 lines', () => {
  const readme = readFileSync(`${repository}README.md`, 'utf8');
  const shown = [...readme.matchAll(/docs\/pictures\/[\w-]+\.\w+/g)].map(([path]) => path);
  expect(shown.length).toBeGreaterThanOrEqual(3);
  for (const path of shown) {
    expect(existsSync(`${repository}${path}`), path).toBe(true);
    expect(statSync(`${repository}${path}`).size, path).toBeLessThan(200_000);
  }
  expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
});

test('a picture of a terminal shows what is left of a display that moves', () => {
  const painted = '\x1b[32m██\x1b[0m\x1b[2m░\x1b[0m 2/3';
  const lines = screenAfter(
    `run a\n${painted}\nnode 0 a <b>\r\x1b[1A\x1b[J\x1b[32m███\x1b[0m 3/3\r\x1b[2Kended\n`,
  );
  expect(lines.map(textOf)).toEqual(['run a', 'ended']);
  const bar = screenAfter(`${painted}\r\nnode 0 a <b>`);
  expect(bar.map(textOf)).toEqual(['██░ 2/3', 'node 0 a <b>']);
  expect(bar[0]?.map(({ code }) => code)).toEqual([32, 32, 2, 0, 0, 0, 0]);
  expect(terminalPicture('t', 20, [bar])).toContain('>node 0 a &lt;b></text>');
  expect(() => screenAfter('\x1b[3Z')).toThrow(/unknown sequence/);
});
