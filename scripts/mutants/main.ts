import type { ChildProcess } from 'node:child_process';
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, matchesGlob } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../local/clock/seeded-random.ts';
import type { Setup, Verdict } from './judge.ts';
import type { Mutant } from './mutate.ts';
import { mutantsOf } from './mutate.ts';

const HELP = `npm run mutants -- [--count N] [--seed S] [--only GLOB] [--out FILE]

Changes one operator, number, guard or statement at a time and runs the in-process tests that reach it. Draws N (400)
changes with the seed S (1) in what GLOB names, and writes one JSON line each to FILE (.sierra-batch/mutants.jsonl).
`;
const ROOMS = '{experiment/**,functions/settle/**,container/fan-out/pool/**}';
/** Tests that start processes or whole systems judge too slowly, and those that measure time judge the machine. */
const UNFIT = /cpuUsage|loopback-(?:cluster|nodes)|npm-start|system-of-its-own|child_process/;
const IN_PROCESS =
  /^test\/(?:experiment|functions|submission|report|cli|statemachine|container)\/.*\.test\.ts$/;
const JUDGES = 2;
const FIRST_RUN_MS = 600_000;

type Run = Verdict['ran'][number];

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '400' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: ROOMS },
    out: { type: 'string', default: '.sierra-batch/mutants.jsonl' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help === true) process.stdout.write(HELP);
else process.exitCode = await main(draw(Number(values.count), Number(values.seed), values.only));

async function main(mutants: readonly Mutant[]): Promise<number> {
  const include = testFiles();
  const { failed, ran } = await firstRun({ mutants, include, bail: false });
  if (failed.length > 0) {
    console.error(`Without any change these fail: \n${failed.join('\n')}`);
    return 1;
  }
  mkdirSync(dirname(values.out), { recursive: true });
  writeFileSync(values.out, '');
  const queue = [...mutants];
  const survivors: Mutant[] = [];
  await Promise.all(
    Array.from({ length: JUDGES }, () => judgeAll({ mutants, include, bail: true }, ran, queue, survivors)),
  );
  tell(mutants, survivors);
  return 0;
}

/** Each test file alone: what it reaches, also while it loads, and how long it takes. */
async function firstRun(setup: Setup): Promise<Verdict> {
  const judge = await start(setup);
  const verdict = await ask(judge, 0, undefined, FIRST_RUN_MS);
  judge.kill('SIGKILL');
  return verdict ?? { failed: [`no answer in ${FIRST_RUN_MS / 1000} s`], ran: [] };
}

async function judgeAll(
  setup: Setup,
  ran: readonly Run[],
  queue: Mutant[],
  survivors: Mutant[],
): Promise<void> {
  let judge = await start(setup);
  for (let mutant = queue.pop(); mutant !== undefined; mutant = queue.pop()) {
    const startedAt = performance.now();
    const tests = nearestFirst(mutant, ran);
    const limit = 20_000 + Math.ceil(5 * tests.reduce((sum, { ms }) => sum + ms, 0));
    const verdict = tests.length === 0 ? { failed: [] } : await ask(judge, mutant.id, tests, limit);
    if (verdict === undefined) {
      judge.kill('SIGKILL');
      judge = await start(setup);
    }
    const by = verdict === undefined ? 'time limit' : verdict.failed[0];
    if (by === undefined) survivors.push(mutant);
    const ms = Math.round(performance.now() - startedAt);
    appendFileSync(
      values.out,
      `${JSON.stringify({ ...mutant, killed: by !== undefined, by, tests: tests.length, ms })}\n`,
    );
  }
  judge.kill('SIGKILL');
}

function nearestFirst({ id, file }: Mutant, ran: readonly Run[]): Run[] {
  const distance = ({ test }: Run) => {
    const path = test.split('/').slice(1);
    const same = file
      .split('/')
      .findIndex((part, index) => part.replace(/\.ts$/, '') !== path[index]?.replace(/\.test\.ts$/, ''));
    return same < 0 ? -Infinity : -same;
  };
  const reach = ran.filter(({ reached }) => reached.includes(id));
  return reach.toSorted((a, b) => distance(a) - distance(b) || a.ms - b.ms);
}

async function start(setup: Setup): Promise<ChildProcess> {
  const judge = fork(new URL('judge.ts', import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  judge.send(setup);
  await once(judge, 'message', { signal: AbortSignal.timeout(60_000) });
  return judge;
}

/** Nothing when the judge did not answer in time. */
async function ask(
  judge: ChildProcess,
  mutant: number,
  tests: readonly Run[] | undefined,
  limit: number,
): Promise<Verdict | undefined> {
  judge.send({ mutant, tests: tests?.map(({ test }) => test) });
  const answer: unknown[] | undefined = await once(judge, 'message', {
    signal: AbortSignal.timeout(limit),
  }).catch(() => undefined);
  return answer === undefined ? undefined : asVerdict(answer[0]);
}

function asVerdict(value: unknown): Verdict {
  return value as Verdict; // Our own process sent it.
}

function draw(count: number, seed: number, only: string): Mutant[] {
  const all = gitFiles('*.ts')
    .filter((file) => matchesGlob(file, only) && !file.startsWith('test/') && !file.endsWith('.generated.ts'))
    .flatMap((file) => mutantsOf(file, readFileSync(file, 'utf8')));
  const random = new SeededRandom(seed);
  const drawn = all.map((mutant) => ({ mutant, at: random.next() })).toSorted((a, b) => a.at - b.at);
  return drawn.slice(0, count).map(({ mutant }, index) => ({ ...mutant, id: index + 1 }));
}

function testFiles(): string[] {
  return gitFiles('test/*.test.ts').filter(
    (file) => IN_PROCESS.test(file) && !file.includes('.slow.') && !UNFIT.test(readFileSync(file, 'utf8')),
  );
}

function gitFiles(pattern: string): string[] {
  return execFileSync('git', ['ls-files', '--', pattern], { encoding: 'utf8' }).trim().split('\n');
}

function tell(mutants: readonly Mutant[], survivors: readonly Mutant[]): void {
  for (const { file, line, from, to } of survivors.toSorted(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line,
  ))
    console.log(`survived ${file}:${line}  ${short(from)}  →  ${short(to)}`);
  for (const [folder, all] of Map.groupBy(mutants, ({ file }) => dirname(file)))
    console.log(share(folder, all.length, survivors.filter(({ file }) => dirname(file) === folder).length));
  console.log(share('all', mutants.length, survivors.length));
}

function share(name: string, all: number, survived: number): string {
  return `${name}: ${all - survived} of ${all} killed (${Math.round((100 * (all - survived)) / Math.max(all, 1))} %)`;
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 90 ? `${line.slice(0, 89)}…` : line;
}
