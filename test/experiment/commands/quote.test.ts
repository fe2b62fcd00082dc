import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Design } from '../../../experiment/commands/design.ts';
import { expandTemplate } from '../../../experiment/commands/list.ts';
import { parseTemplate } from '../../../experiment/commands/template.ts';

const AROUND = [
  'printf %s {v}',
  "printf %s '{v}'",
  'printf %s "{v}"',
  "printf %s a'b'{v}",
  'x={v}; printf %s "$x"',
];
const value = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ unit: fc.constantFrom(...' \'"`$\\(){}*?~;&|<>#!-=a'), maxLength: 12 }),
  )
  .map((text) => text.toWellFormed().replaceAll(/[\0\n\r]/g, ''));

/** What each command prints, in one shell; each in one of its own, which keeps what it breaks. */
function printed(commands: readonly string[]): string[] {
  const script = commands.map((command) => `( ${command}\n)\nprintf '\\0'\n`).join('');
  return execFileSync('bash', ['-s'], { input: script, encoding: 'utf8', cwd: '/' }).split('\0').slice(0, -1);
}

describe('a value in a template', () => {
  it('is printed exactly, whatever it is, in each kind of quotes', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 20, maxLength: 20 }), (values) => {
        for (const template of AROUND) {
          const expected = template.includes("a'b'") ? values.map((each) => `ab${each}`) : values;
          expect(
            printed([...expandTemplate(template, new Design({ matrix: { v: values } }, 'sweep')).lines]),
          ).toEqual(expected);
        }
      }),
      { numRuns: 15 },
    );
  });

  it.each([
    ['./sim --in {v}', 'bare'],
    ["echo 'a {v}'", 'single'],
    ['echo "a $b {v}"', 'double'],
    ['echo "it\'s {v}"', 'double'],
    ["echo 'say \"' {v}", 'bare'],
    ['echo "a \\" {v}"', 'double'],
    ['bash -c \'cat "$1"\' _ {v}', 'bare'],
    ['grep -c "{v}" f', 'double'],
    ['bash -c "a; b" && echo "{v}"', 'double'],
    ...[
      'echo $(cat {v})',
      'echo "$(cat {v})"',
      'echo `cat {v}`',
      "echo $'a{v}'",
      'echo \\{v}',
      "bash -c 'cat {v}'",
      'bash -lc "cat {v}"',
      'bash -c \'cat \'"{v}"',
      'sh -e -c {v}',
      'eval echo "{v}"',
      'echo "$( (a) ; cat {v})"',
      'echo "$(case x in a) b;; esac; echo {v})"',
      'echo "${x:-"$(b '.concat('{v})"}"'),
    ].map((template) => [template, 'plain-only'] as const),
    ['bash -c "cat {v:raw}"', 'raw'],
  ] as const)('of %s stands in a place that is %s', (template, as) => {
    const found = parseTemplate(template).flatMap((part) => ('key' in part ? [part.as] : []));
    expect(found).toEqual(template.includes('${x:-') ? [] : [as]);
  });

  it('is pasted where {key:raw} stands, and {{key:raw}} is text', () => {
    const lines = [
      ...expandTemplate('ls {v:raw} {v} {{v:raw}}', new Design({ matrix: { v: ['a b', 'c', ''] } }, 'sweep'))
        .lines,
    ];
    expect(lines).toEqual(["ls a b 'a b' {v:raw}", 'ls c c {v:raw}', "ls  '' {v:raw}"]);
  });
});
