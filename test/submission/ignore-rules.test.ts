import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ignoreRules } from '../../submission/ignore-rules.ts';
import { folderOfItsOwn } from '../cli/context.ts';

const NAMES = ['a', 'b', 'data', '.venv', 'x.pyc', 'x y', 'a.b', '[q]', '.hid.pyc'];
const PATTERNS = [
  ...NAMES,
  ...['*', '*.pyc', '?', 'a*', '[ab]', '[!ab]', '[a-c]*', '\\[q]', '**', 'x\\ y', '.*', '[]q]*', '*b*'],
];

/** What git leaves out, asked with the same lines in its own file. */
function gitIgnores(folder: string, lines: readonly string[], paths: readonly string[]): Set<string> {
  writeFileSync(join(folder, '.gitignore'), lines.join('\n'));
  const asked = spawnSync('git', ['check-ignore', '--no-index', '-z', '--stdin'], {
    cwd: folder,
    input: paths.join('\0'),
    encoding: 'utf8',
  });
  return new Set(asked.stdout.split('\0'));
}

it('of any lines and paths the same is left out as git leaves out', () => {
  const folder = folderOfItsOwn();
  spawnSync('git', ['init', '-q', folder]);
  const paths = NAMES.flatMap((one) => [one, ...NAMES.map((two) => `${one}-d/${two}`), `${one}-d/n/${one}`]);
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
  const line = fc
    .tuple(
      fc.constantFrom('', '', '!'),
      fc.constantFrom('', '', '/', '**/', 'a-d/', '*/'),
      fc.constantFrom(...PATTERNS),
      fc.constantFrom('', '', '/', '/**', '/n', ' '),
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), (lines) => {
      const rules = ignoreRules(lines.join('\n'));
      const isIgnored = (path: string, isFolder: boolean): boolean =>
        (path.includes('/') && isIgnored(dirname(path), true)) || rules(path, isFolder) === true;
      const byGit = gitIgnores(folder, lines, paths);
      expect(paths.filter((path) => isIgnored(path, false))).toEqual(paths.filter((path) => byGit.has(path)));
    }),
    { numRuns: 60 },
  );
});

it('no line makes it slow', () => {
  const rules = ignoreRules(`${'*a'.repeat(40)}b\n${'**/*a/'.repeat(40)}b`);
  expect(rules('a'.repeat(255), false)).toBeUndefined();
  expect(rules('a/'.repeat(200), false)).toBeUndefined();
});
