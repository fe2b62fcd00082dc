import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';
import { repository } from '../cli/context.ts';

const pages = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: repository, encoding: 'utf8' })
  .split('\0')
  .filter((page) => page !== '' && existsSync(join(repository, page)));

/** Their sentences come from the code, or are there to be avoided. */
const NOT_WRITTEN_HERE = ['docs/manifest.md', 'docs/bucket.md', 'docs/commands.md', 'docs/style-of-words.md'];
/** Words that docs/style-of-words.md avoids. */
const AVOIDED =
  /\b(?:told|anew|such a one|end(?:s|ed)? well|nought|mend(?:s|ed|ing)?|somebody|gone on with|of `[^`]{1,60}` there is no)\b/i;

test('no page has words that docs/style-of-words.md avoids', () => {
  const found = pages
    .filter((page) => !NOT_WRITTEN_HERE.includes(page))
    .flatMap((page) =>
      proseOf(page).flatMap((line, at) => (AVOIDED.test(line) ? [`${page}:${at + 1}: ${line}`] : [])),
    );
  expect(found).toEqual([]);
});

/** Nobody reads these as a sentence: names of events, of situations, of files. */
const rooms = /^(?:aws|cli|container|experiment|functions|local|report|submission|scripts)\/.*\.ts$/;
const sources = execFileSync('git', ['ls-files', '-z', '*.ts'], { cwd: repository, encoding: 'utf8' })
  .split('\0')
  .filter((file) => rooms.test(file) && !file.includes('.generated.'));

test('nothing that the product says has such a word', () => {
  const found = sources.flatMap((file) =>
    sentencesOf(file, readFileSync(join(repository, file), 'utf8')).filter((text) => AVOIDED.test(text)),
  );
  expect(found).toEqual([]);
  const planted = "const a = 'Every task ended well.'; const b = `it is told anew`; // told";
  expect(sentencesOf('a.ts', planted).filter((text) => AVOIDED.test(text))).toHaveLength(2);
});

/** Literals with a blank in them, and the texts of templates. */
function sentencesOf(file: string, text: string): string[] {
  const found: string[] = [];
  const take = (value: unknown) => {
    if (typeof value === 'string' && value.includes(' ')) found.push(`${file}: ${value}`);
  };
  new Visitor({
    Literal: ({ value }) => take(value),
    TemplateElement: ({ value }) => take(value.cooked),
  }).visit(parseSync(file, text).program);
  return found;
}

test('every link between pages leads to a file, and to a heading of it', () => {
  const broken = pages.flatMap((page) =>
    [
      ...proseOf(page)
        .join('\n')
        .matchAll(/\]\(([^()\s]+)\)/g),
    ].flatMap(([, to = '']) => (/^https?:/.test(to) || leadsSomewhere(page, to) ? [] : [`${page}: ${to}`])),
  );
  expect(broken).toEqual([]);
});

/** The lines of a page without its code. */
function proseOf(page: string): string[] {
  let isCode = false;
  return readFileSync(join(repository, page), 'utf8')
    .split('\n')
    .map((line) => {
      if (/^\s*```/.test(line)) isCode = !isCode;
      return isCode ? '' : line.replaceAll(/`[^`]*`/g, '``');
    });
}

function leadsSomewhere(page: string, to: string): boolean {
  const [path = '', heading] = to.split('#');
  const file = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(repository, file))) return false;
  return heading === undefined || !file.endsWith('.md') || headingsOf(file).includes(heading);
}

/** As GitHub names them in addresses. */
function headingsOf(page: string): string[] {
  return [...readFileSync(join(repository, page), 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}
