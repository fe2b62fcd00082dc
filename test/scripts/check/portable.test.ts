import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';
import { repository } from '../../cli/context.ts';

/** What people run on any Unix; the command's two files that start a local system say by themselves that it needs Linux. */
const ANYWHERE = /^(cli|submission|report|aws|experiment)\//;
const SAY_SO = ['cli/commands/local.ts', 'cli/commands/run.ts', 'cli/commands/doctor.ts'];
/** Rooms that a package bundles for the Node 20 that people have; scripts/build/node-20.mjs brings what is missing there. */
const BUNDLED = /^(cli|submission|report|aws|experiment|container|functions|local)\//;

const LINUX_ONLY_PATHS = /^\/(?:proc|sys|run|var\/run|etc)(?:\/|$)/;
const LINUX_ONLY_CALLS =
  /^(?:process\.(?:platform|setuid|setgid|setgroups|initgroups)|os\.constants\.signals)$/;
const PROGRAMS = /^(?:exec|execFile|spawn|fork)(?:Sync)?$/;
const AFTER_NODE_20 =
  /^(?:Object\.groupBy|Array\.fromAsync|Promise\.try|RegExp\.escape|Iterator\.(?:from|concat)|Error\.isError|Math\.sumPrecise|Uint8Array\.from(?:Base64|Hex)|import\.meta\.(?:main|dirname|filename))$/;

interface Found {
  texts: string[];
  members: string[];
  calls: string[];
}

function found(file: string, text: string): Found {
  const all: Found = { texts: [], members: [], calls: [] };
  const { program } = parseSync(file, text);
  const visitor = new Visitor({
    Literal: ({ value }) => {
      if (typeof value === 'string') all.texts.push(value);
    },
    TemplateElement: ({ value }) => {
      all.texts.push(value.cooked ?? value.raw);
    },
    MemberExpression: ({ start, end }) => {
      all.members.push(text.slice(start, end).replaceAll(/[?\s]/g, ''));
    },
    CallExpression: ({ callee }) => {
      if (callee.type === 'Identifier') all.calls.push(callee.name);
    },
  });
  visitor.visit(program);
  return all;
}

function linuxOnly(file: string, text: string): string[] {
  const { texts, members, calls } = found(file, text);
  return [
    ...texts.filter((one) => LINUX_ONLY_PATHS.test(one)),
    ...members.filter((one) => LINUX_ONLY_CALLS.test(one)),
    ...calls.filter((one) => PROGRAMS.test(one)),
  ].map((one) => `${file}: ${one}`);
}

function tooNew(file: string, text: string): string[] {
  return found(file, text)
    .members.filter((one) => AFTER_NODE_20.test(one))
    .map((one) => `${file}: ${one}`);
}

const files = execFileSync('git', ['ls-files', '-z', '*.ts'], { cwd: repository, encoding: 'utf8' })
  .split('\0')
  .filter(
    (file) => BUNDLED.test(file) && !file.includes('.generated.') && !file.startsWith('report/client/'),
  );
const textOf = (file: string) => readFileSync(join(repository, file), 'utf8');

test('a command needs nothing of Linux, and of what is bundled nothing needs more than Node 20', () => {
  const anywhere = files.filter((file) => ANYWHERE.test(file) && !SAY_SO.includes(file));
  expect(anywhere.flatMap((file) => linuxOnly(file, textOf(file)))).toEqual([]);
  expect(files.flatMap((file) => tooNew(file, textOf(file)))).toEqual([]);
});

test.each([
  ["readFileSync('/proc/self/status')", '/proc/self/status'],
  ['readFileSync(`/sys/fs/cgroup`)', '/sys/fs/cgroup'],
  ["spawnSync('flock', [])", 'spawnSync'],
  ['process.setuid?.(0)', 'process.setuid'],
])('%s is seen', (text, what) => {
  expect(linuxOnly('a.ts', text)).toEqual([`a.ts: ${what}`]);
});

test('what Node 20 has not is seen', () => {
  expect(tooNew('a.ts', 'Object.groupBy([], String); Map.groupBy([], String);')).toEqual([
    'a.ts: Object.groupBy',
  ]);
});
