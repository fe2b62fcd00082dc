import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runKeys } from '../../../../experiment/layout/bucket-keys.ts';
import type { OutputIndex } from '../../../../experiment/records/outputs.ts';
import { sierraVenv } from '../../../../scripts/install/sierra-venv.ts';
import { VERSIONS } from '../project-for.ts';
import type { RealSierra } from '../real-sierra.ts';
import { ARGS, BATCH_ROOT, INSTALLING, realSierra } from '../real-sierra.ts';

/** All where they are asked for; among all slow tests the one that people install, for time's sake. */
const TRIED = process.env.SIERRA_BATCH_EVERY_SIERRA === undefined ? VERSIONS.slice(0, 1) : VERSIONS;
const SLOW = 180_000;
const RUNS = 4;
const args = ARGS.map((argument) => argument.replace('--n-runs=2', `--n-runs=${RUNS}`));

beforeAll(async () => {
  for (const version of TRIED) await sierraVenv(version);
}, 2 * INSTALLING);

let opened: RealSierra | undefined;
afterEach(async () => {
  await opened?.cluster.close();
  opened = undefined;
});

/** With `dies` beside the simulation these runs write five rows, and end with an error unless there is `well` too. */
const DIES = `
_here = pathlib.Path(__file__).parent
_all = simulate
def simulate(**given):
    rows = list(_all(**given))
    return rows[:5] if (_here / "dies").exists() and "c1-exp0/template_run1." in sys.argv[1] else rows
`;
const AND_TELLS = `
if (_here / "dies").exists() and "c1-exp0/template_run1." in sys.argv[1] and not (_here / "well").exists():
    raise ValueError("no such robot")
if (_here / "all").exists(): raise ValueError("no such robot")
`;
const ENGINE = 'project/engines/forage';
const SIMULATION = `${ENGINE}/simulate.py`;

async function open(version: (typeof TRIED)[number], ...marks: string[]): Promise<RealSierra> {
  const sierra = await realSierra({ args, pipeline: [1, 2, 3, 4] }, {}, undefined, version);
  opened = sierra;
  const [body = '', end = ''] = sierra.read(SIMULATION).split('if __name__ ==');
  writeFileSync(join(sierra.root, SIMULATION), `${body}${DIES}\nif __name__ ==${end}${AND_TELLS}`);
  for (const mark of marks) writeFileSync(join(sierra.root, ENGINE, mark), '');
  return sierra;
}

function table(text: string): string[][] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(','));
}

/** The means of these runs' tables, reckoned here from what they have written. */
function means(sierra: RealSierra, experiment: string, runs: readonly number[]): number[][] {
  const tables = runs.map((run) =>
    table(
      sierra.read(`${BATCH_ROOT}/exp-outputs/${experiment}/template_run${run}_output/output/foraging.csv`),
    ).slice(1),
  );
  return (tables[0] ?? []).map((row, at) =>
    row.map((_, column) => tables.reduce((sum, one) => sum + Number(one[at]?.[column]), 0) / tables.length),
  );
}

/** To the last digit that SIERRA writes. */
function expectMeans(sierra: RealSierra, experiment: string, runs: readonly number[]): void {
  const [, ...rows] = table(sierra.read(`${BATCH_ROOT}/statistics/${experiment}/foraging.mean`));
  const digits = rows[0]?.[1]?.split('.')[1]?.length ?? 0;
  expect(digits).toBeGreaterThan(0);
  const reckoned = means(sierra, experiment, runs).map((row) => row.map((value) => value.toFixed(digits)));
  expect(rows).toHaveLength(20);
  expect(rows.map((row) => row.map((cell) => Number(cell).toFixed(digits)))).toEqual(reckoned);
}

describe.each(TRIED)('statistics of SIERRA %s', (version) => {
  it(
    'are those of the whole runs alone, to the last digit; after a retry those of all',
    async () => {
      const sierra = await open(version, 'dies');
      const first = await sierra.run();
      expect(first.codes, first.output).toEqual([1, 0]);
      const progress = await sierra.progress();
      expect(progress.reason).toEqual({ kind: 'tasks-failed', failed: 1, lost: 0 });
      expect(progress.incomplete).toEqual([{ experiment: 'c1-exp0', whole: RUNS - 1, runs: RUNS }]);
      expectMeans(sierra, 'c1-exp0', [0, 2, 3]);
      expectMeans(sierra, 'c1-exp1', [0, 1, 2, 3]);
      const aside = `${BATCH_ROOT}/exp-failed/c1-exp0/template_run1_output/output/foraging.csv`;
      expect(table(sierra.read(aside))).toHaveLength(6);
      expect(sierra.files(`${BATCH_ROOT}/graphs`)).toHaveLength(3);
      const { cluster } = sierra;
      const index = JSON.parse((await cluster.text(runKeys(cluster.runId).outputIndex)) ?? '') as OutputIndex;
      const sent = index.files
        .map(({ path }) => path)
        .filter((path) => path.includes('c1-exp0/template_run1_output'));
      expect(sent).toEqual([aside]);
      const criterion = ((await cluster.text(runKeys(cluster.runId).results)) ?? '').trim().split('\n');
      expect(criterion.map((line) => JSON.parse(line))).toEqual(
        [1, 2, 3, 4, 5, 6, 7, 8].map((seq) => [seq, { robots: seq <= RUNS ? 1 : 9 }]),
      );

      writeFileSync(join(sierra.root, ENGINE, 'all'), '');
      const worse = await sierra.run({ AWS_BATCH_JOB_ATTEMPT: '2' });
      expect(worse.codes, worse.output).toEqual([1, 0]);
      expectMeans(sierra, 'c1-exp0', [0, 2, 3]);

      for (const mark of ['all', 'dies']) rmSync(join(sierra.root, ENGINE, mark));
      const again = await sierra.run({ AWS_BATCH_JOB_ATTEMPT: '3' });
      expect(again.codes, again.output).toEqual([0, 0]);
      expectMeans(sierra, 'c1-exp0', [0, 1, 2, 3]);
      expect(existsSync(join(sierra.root, BATCH_ROOT, 'exp-failed'))).toBe(false);
      expect((await sierra.progress()).incomplete).toBeUndefined();
    },
    SLOW,
  );

  it(
    'of runs that all failed are not tried',
    async () => {
      const sierra = await open(version, 'all');
      const { codes, output } = await sierra.run();
      expect(codes, output).toEqual([1, 0]);
      expect((await sierra.progress()).reason).toMatchObject({ kind: 'too-few-runs', stage: 3 });
      expect(existsSync(join(sierra.root, BATCH_ROOT, 'statistics/c1-exp0'))).toBe(false);
      expect(readdirSync(join(sierra.root, BATCH_ROOT, 'exp-failed')).sort()).toEqual(['c1-exp0', 'c1-exp1']);
    },
    SLOW,
  );

  it(
    'that SIERRA cannot make, since a run ended well with fewer rows, name its experiment',
    async () => {
      const sierra = await open(version, 'dies', 'well');
      const { codes, output } = await sierra.run();
      expect(codes[0], output).toBe(5);
      expect((await sierra.progress()).reason).toMatchObject({
        kind: 'sierra-failed',
        stage: 3,
        experiment: 'c1-exp0',
        tail: expect.stringContaining("'template_run1_output' (5)"),
      });
    },
    SLOW,
  );
});
