import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bringBack, keepWholeRuns, outputsWithSetAside } from '../../../container/tasks/whole-runs.ts';
import type { CommandWork, SierraWork } from '../../../experiment/plan/plan.ts';
import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import { renderJoblog } from '../../../experiment/results/joblog.ts';
import { WholeRuns } from '../../../experiment/results/whole-runs.ts';

const command = (experiment: string, run: number) =>
  `python3 sim.py /r/b/exp-inputs/${experiment}/template_run${run}.json`;

function row(seq: number, text: string, exitval = 0, signal = 0): JoblogRow {
  return { seq, host: 'h', startTime: 1, runtime: 1, send: 0, receive: 0, exitval, signal, command: text };
}

describe('a run of SIERRA', () => {
  const judged = (...lines: [string, JoblogRow | undefined][]) => {
    const runs = new WholeRuns();
    for (const [text, last] of lines) runs.judge(text, last);
    return runs;
  };
  const one = command('c1-exp0', 1);

  it.each<[string, JoblogRow | undefined, boolean]>([
    ['that ended with 0', row(1, one), true],
    ['that ended with another code', row(1, one, 1), false],
    ['that a signal ended, as GNU parallel tells it locally', row(1, one, 0, 9), false],
    ['that a signal ended, as it is told over ssh', row(1, one, 137), false],
    ['that never ended', undefined, false],
    ['whose number another command had', row(1, command('c1-exp0', 7)), false],
  ])('%s', (_, last, isWhole) => {
    const runs = judged([one, last]);
    expect(runs.isWhole('c1-exp0', 'template_run1_output')).toBe(isWhole);
    expect(runs.experiments()).toEqual([{ experiment: 'c1-exp0', whole: isWhole ? 1 : 0, runs: 1 }]);
  });

  it('with two commands is whole when both have ended well', () => {
    for (const codes of [
      [0, 1],
      [1, 0],
    ]) {
      const runs = judged([one, row(1, one, codes[0])], [one, row(2, one, codes[1])]);
      expect(runs.experiments()).toEqual([{ experiment: 'c1-exp0', whole: 0, runs: 1 }]);
    }
  });

  it('that no command names is not of this batch, unless some command names none', () => {
    expect(judged([one, row(1, one)]).isWhole('c1-exp0', 'template_run9_output')).toBe(false);
    const unnamed = judged(
      [one, row(1, one)],
      ['./sim 9', row(2, './sim 9', 3)],
      ['./sim 8', row(3, './sim 8')],
    );
    expect(unnamed.isWhole('c1-exp0', 'template_run9_output')).toBeUndefined();
    expect(unnamed.unnamed).toEqual({ all: 2, failed: 1 });
  });
});

describe('the outputs of a batch', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sbr-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const write = (path: string, text = 'rows') => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const run = (experiment: string, number: number, below = 'exp-outputs') =>
    `${below}/${experiment}/template_run${number}_output`;
  const files = () =>
    readdirSync(root, { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.parentPath !== root && !entry.parentPath.endsWith('scratch'))
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .sort();
  /** What the joblog has of each run: its exit code, or none. */
  const batch = (codes: Record<string, number | undefined>) => {
    const lines = Object.keys(codes).map((name) => command(...split(name)));
    write('commands.txt', lines.map((line) => `${line}\n`).join(''));
    const rows = Object.values(codes).flatMap((code, index) =>
      code === undefined ? [] : [row(index + 1, lines[index] ?? '', code)],
    );
    write('scratch/parallel.log', renderJoblog(rows));
  };
  const split = (name: string): [string, number] => {
    const [experiment = '', number] = name.split('/');
    return [experiment, Number(number)];
  };

  it('stay whole: those of failed, unfinished and unknown runs go beside, with all that is in them', async () => {
    batch({ 'c1-exp0/0': 0, 'c1-exp0/1': 1, 'c1-exp1/0': undefined, 'c1-exp1/1': 0 });
    for (const [experiment, number] of [
      ['c1-exp0', 0],
      ['c1-exp0', 1],
      ['c1-exp0', 7],
      ['c1-exp1', 0],
      ['c1-exp1', 1],
    ] as const)
      write(`${run(experiment, number)}/output/a.csv`);
    write('exp-outputs/c1-exp0/notes.txt');
    const kept = await keepWholeRuns(root);
    expect(kept?.setAside).toBe(3);
    expect(kept?.runs.experiments()).toEqual([
      { experiment: 'c1-exp0', whole: 1, runs: 2 },
      { experiment: 'c1-exp1', whole: 1, runs: 2 },
    ]);
    expect(files()).toEqual([
      `${run('c1-exp0', 1, 'exp-failed')}/output/a.csv`,
      `${run('c1-exp0', 7, 'exp-failed')}/output/a.csv`,
      `${run('c1-exp1', 0, 'exp-failed')}/output/a.csv`,
      'exp-outputs/c1-exp0/notes.txt',
      `${run('c1-exp0', 0)}/output/a.csv`,
      `${run('c1-exp1', 1)}/output/a.csv`,
    ]);
  });

  it('without a joblog are left alone: nobody knows what became of the runs', async () => {
    write('commands.txt', `${command('c1-exp0', 0)}\n`);
    write(`${run('c1-exp0', 0)}/a.csv`);
    expect(await keepWholeRuns(root)).toBeUndefined();
    expect(files()).toEqual([`${run('c1-exp0', 0)}/a.csv`]);
  });

  it('come back before the run is repeated, but never over what was written since', async () => {
    write(`${run('c1-exp0', 0, 'exp-failed')}/a.csv`, 'old');
    write(`${run('c1-exp0', 1, 'exp-failed')}/a.csv`, 'old');
    write(`${run('c1-exp0', 1)}/a.csv`, 'new');
    await bringBack(root);
    expect(files()).toEqual([`${run('c1-exp0', 0)}/a.csv`, `${run('c1-exp0', 1)}/a.csv`]);
    expect(readFileSync(join(root, run('c1-exp0', 1), 'a.csv'), 'utf8')).toBe('new');
    expect(readdirSync(root)).not.toContain('exp-failed');
  });

  it('of a second failure replace what the first has left', async () => {
    batch({ 'c1-exp0/0': 1 });
    write(`${run('c1-exp0', 0, 'exp-failed')}/first.csv`);
    write(`${run('c1-exp0', 0)}/second.csv`);
    await keepWholeRuns(root);
    expect(files()).toEqual([`${run('c1-exp0', 0, 'exp-failed')}/second.csv`]);
  });

  it('lie where the last joblog says, whatever the ones before it said', async () => {
    const code = fc.constantFrom(0, 1, undefined);
    const joblogs = fc.array(fc.tuple(code, code, code), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(joblogs, async (all) => {
        for (const below of ['exp-outputs', 'exp-failed'])
          rmSync(join(root, below), { recursive: true, force: true });
        for (const number of [0, 1, 2]) write(`${run('c1-exp0', number)}/a.csv`);
        for (const [first, second, third] of all) {
          batch({ 'c1-exp0/0': first, 'c1-exp0/1': second, 'c1-exp0/2': third });
          await keepWholeRuns(root);
        }
        const last = all.at(-1) ?? [];
        const places = last.map(
          (one, number) => `${run('c1-exp0', number, one === 0 ? 'exp-outputs' : 'exp-failed')}/a.csv`,
        );
        expect(files()).toEqual(places.sort());
      }),
      { numRuns: 30 },
    );
  });

  it('that a manifest names by `exp-outputs` are sent with what was set aside of them', async () => {
    const args = [
      '--project=p',
      '--controller=c',
      '--scenario=s',
      '--expdef-template=t',
      '--batch-criteria=b',
    ];
    write('p/c/s/t-b/exp-failed/c1-exp0/template_run1_output/a.csv');
    const sierra: SierraWork = { kind: 'sierra', args, pipeline: [1, 2, 3], onFailedRuns: 'process' };
    const commands: CommandWork = { kind: 'commands', file: { kind: 'in-work', path: 'list' } };
    const asked = (outputs: string[], work: SierraWork | CommandWork = sierra) =>
      outputsWithSetAside({ work, outputs }, root);
    expect(await asked(['./p/c/s/t-b/exp-outputs/'])).toEqual([
      './p/c/s/t-b/exp-outputs/',
      'p/c/s/t-b/exp-failed/',
    ]);
    expect(await asked(['p/c/s/t-b/exp-outputs/c1-exp1'])).toHaveLength(1);
    expect(await asked(['p/'])).toEqual(['p/']);
    expect(await asked(['p/c/s/t-b/exp-outputs'], commands)).toHaveLength(1);
  });
});
