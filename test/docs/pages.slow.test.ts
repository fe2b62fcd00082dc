import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { parseManifest } from '../../experiment/manifest/parse.ts';
import { repository } from '../cli/context.ts';
import type { Block } from './blocks.ts';
import { blocksOf, markOf, notPrinted } from './blocks.ts';
import { faultsOf } from './known-commands.ts';
import type { RunnerContext } from './shell.ts';
import { openShell } from './shell.ts';

// Every code block of README and tutorial, by somebody who pastes one after the other into a terminal: a clone without any
// package, a home without anything in it. What is behind the language of a block says what becomes of it:
//   sh                   is run, and every command must end with 0
//   sh ends=1            is run, and ends with that
//   sh second-terminal   is run in another one, and stays
//   sh aws               is not run: grammar, commands and options must be known
//   yaml                 is a manifest without a fault
//   yaml file=NAME       and is written there
//   nothing              is what the commands before it print

/** Blocks of README, which carries no such words, by how they begin. All others of it are as above. */
const IN_README: Record<string, string> = {
  ' manifest in S3 ──▶ ingest': 'picture',
  'sweep.yaml:3:2': 'faults',
  'sierra-batch run "./sim': 'sh aws',
};

const IS_UP = /^Page of runs, live: .*\n/m;

const root = mkdtempSync(join(tmpdir(), 'sbd-'));
const context: RunnerContext = { folder: join(root, 'clone'), home: join(root, 'home') };
/** What is told once on both pages need not be run twice in one clone. */
const ran = new Map<string, string>();

beforeAll(() => {
  mkdirSync(context.home);
  for (const path of execFileSync('git', ['ls-files', '-z'], { cwd: repository, encoding: 'utf8' }).split(
    '\0',
  ))
    if (path !== '' && existsSync(join(repository, path)))
      cpSync(join(repository, path), join(context.folder, path));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

test('README: every block does what it says', { timeout: 240_000 }, async () => {
  const blocks = blocksOf(readFileSync(join(repository, 'README.md'), 'utf8'));
  const unmet = new Set(Object.keys(IN_README));
  const marked = blocks.map((block) => {
    const [start, treatment] =
      Object.entries(IN_README).find(([begin]) => block.text.startsWith(begin)) ?? [];
    if (start === undefined || treatment === undefined) return block;
    unmet.delete(start);
    const [language = '', ...marks] = treatment.split(' ');
    return { ...block, language, marks };
  });
  expect([...unmet], 'listed here, and not in README any more').toEqual([]);
  await follow('README.md', marked);
});

test('the tutorial, from its first command to its last', { timeout: 240_000 }, async () => {
  await follow('docs/tutorial.md', blocksOf(readFileSync(join(repository, 'docs/tutorial.md'), 'utf8')));
});

test.each([
  ['sierra-batch submit m.yaml --wach', /unknown option '--wach'/],
  ['RUN=$(sierra-batch summit m.yaml)', /unknown command 'summit'/],
  ['npm run deploy -- MaxVcpus=4', /MaxVcpus=4 is not PARAMETER=VALUE/],
  ['npm start --nodes 2', /only behind --/],
  ['npm start -- --fault gremlin', /--fault takes one of/],
  ['npm run destroy', /no script destroy/],
  ['curl https://example.org | sh', /not a command that is known/],
  ['if true; then', /syntax error/],
])('a block that is not run must be right all the same: %s', (line, fault) => {
  expect(faultsOf(line).join('\n')).toMatch(fault);
});

/** Does with each block in turn what it is marked with. A kind that is not known is a failure. */
async function follow(page: string, blocks: readonly Block[]): Promise<void> {
  const terminal = openShell(context);
  onTestFinished(() => terminal.close());
  const { home } = context;
  const manifests: string[] = [];
  let folder = context.folder;
  let printed = '';
  for (const block of blocks) {
    const place = `${page}:${block.line}`;
    const { text } = block;
    switch ([block.language, ...block.marks.map((mark) => mark.replace(/=.*/, ''))].join(' ')) {
      case 'sh':
      case 'sh ends':
        printed = ran.get(text) ?? (await at(place, terminal.run(text, Number(markOf(block, 'ends') ?? 0))));
        ran.set(text, printed);
        folder = (await terminal.run('pwd')).trim();
        break;
      case 'sh second-terminal': {
        const second = openShell({ folder, home });
        onTestFinished(() => second.close());
        printed = await at(place, second.keep(text, IS_UP));
        break;
      }
      case 'sh aws':
        expect(faultsOf(text), place).toEqual([]);
        break;
      case 'yaml':
      case 'yaml file': {
        const parsed = parseManifest(Buffer.from(text), 'yaml', { origin: 'file' });
        expect(parsed, place).toMatchObject({ ok: true, warnings: [] });
        const name = markOf(block, 'file');
        if (name !== undefined) writeFileSync(join(folder, name), text);
        manifests.push(text);
        break;
      }
      case '':
        expect(notPrinted(text, printed, home), `${place}, of what was printed:\n${printed}`).toBeUndefined();
        break;
      case 'faults':
        await showsFaults(place, text, manifests.at(-1) ?? '', terminal);
        break;
      case 'picture':
        break;
      default:
        throw new Error(
          `${place}: nobody knows what to do with \`${block.language} ${block.marks.join(' ')}\``,
        );
    }
  }
}

/** What `validate` says of the manifest above when it has the line that is shown. */
async function showsFaults(
  place: string,
  shown: string,
  manifest: string,
  terminal: ReturnType<typeof openShell>,
): Promise<void> {
  const [, name = '', number = '', source = ''] = /^(\S+?):(\d+):\d+: .*\n +\2 \| (.*)\n/.exec(shown) ?? [];
  const folder = mkdtempSync(join(context.home, 'folder-'));
  mkdirSync(join(folder, 'project'));
  const lines = manifest.split('\n').with(Number(number) - 1, source);
  writeFileSync(join(folder, name), lines.join('\n'));
  const printed = await terminal.run(
    `"${context.folder}/bin/sierra-batch.mjs" validate '${join(folder, name)}'`,
    2,
  );
  expect(printed, place).toContain(shown.trimEnd());
}

async function at<Answer>(place: string, doing: Promise<Answer>): Promise<Answer> {
  try {
    return await doing;
  } catch (error) {
    throw new Error(`${place}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
