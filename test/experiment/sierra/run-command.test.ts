import { describe, expect, it } from 'vitest';
import { placeInSierra, sierraRunOf } from '../../../experiment/sierra/run-command.ts';

const BATCH = '/mnt/efs/runs/r/work/project/controller/scenario/template-speed.1.9.C3';

describe('a command of SIERRA', () => {
  it.each(['c1-exp0', 'c1-exp0+c2-exp12'])('tells its experiment, run and folders (%s)', (experiment) => {
    const input = `${BATCH}/exp-inputs/${experiment}/template_run3.json`;
    expect(sierraRunOf(`cd /x; python3 sim.py --expdef ${input} --T 50`)).toEqual({
      experiment,
      run: 3,
      input,
      output: `${BATCH}/exp-outputs/${experiment}/template_run3_output`,
    });
  });

  it.each([
    ['names no input', './sim --seed 3 > results/c1-exp0.csv'],
    ['has its inputs at the root', 'argos3 -c /exp-inputs/c1-exp0/template_run3.argos'],
    ['names folders without end and no run', '/exp-inputs/c1-exp0/'.repeat(50_000)],
    ['names folders and runs without end', '/x/exp-inputs/c1-exp0/a_run1_'.repeat(20_000)],
  ])('is told from one that %s', (_, command) => {
    expect(sierraRunOf(command)).toBeUndefined();
  });
});

describe('the end of a log of SIERRA', () => {
  it('tells the experiment and the run it speaks of last', () => {
    expect(placeInSierra('read c1-exp0; then c1-exp2/template_run1_output failed')).toEqual({
      experiment: 'c1-exp2',
      run: 1,
    });
    expect(placeInSierra('no experiment is named here')).toEqual({});
  });

  it('names none that SIERRA began before an error which names none', () => {
    const log =
      'Gathering raw outputs from exp-outputs/c1-exp4...\nTraceback (most recent call last):\n  File "a.py"';
    expect(placeInSierra(`${log}\nShapeError: height of column 'template_run1_output' (5)`)).toEqual({});
    expect(
      placeInSierra(`${log}\nAssertionError: Not all dataframes have same # columns in c1-exp2: ()`),
    ).toEqual({
      experiment: 'c1-exp2',
    });
  });
});
