import { describe, expect, it } from 'vitest';
import { parallelOptions } from '../../../../container/sierra/cli-environment.ts';
import { readSierraLine } from '../../../../container/sierra/shim/parse-line.ts';
import { engineArguments, sierraBatchRoot } from '../../../../experiment/sierra/arguments.ts';
import { placeInSierra, sierraRunOf } from '../../../../experiment/sierra/run-command.ts';

const LINE = [
  ...['--jobs', '2', '--results', '/b/scratch', '--joblog', '/b/scratch/parallel.log'],
  ...['--sshloginfile', '/b/job-nodelist.txt', '--workdir', '/b/scratch'],
];
const PARALLEL = ' --env HOME --env A,B --retries 3 --timeout 2.5 --env PATH --env PYTHONPATH';

describe('SIERRA’s own line', () => {
  it('is taken apart, with what PARALLEL adds and only the variables it names', () => {
    const environment = { PARALLEL, HOME: '/h', A: '1', PATH: '/bin', OTHER: 'x' };
    expect(readSierraLine(['--resume-failed', ...LINE], environment)).toEqual({
      resumesFailed: true,
      jobs: 2,
      results: '/b/scratch',
      joblog: '/b/scratch/parallel.log',
      nodelist: '/b/job-nodelist.txt',
      workdir: '/b/scratch',
      tries: 3,
      taskSeconds: 2.5,
      environment: { HOME: '/h', A: '1', PATH: '/bin' },
    });
    expect(readSierraLine(LINE, {})).toMatchObject({ resumesFailed: false, tries: 1, environment: {} });
  });

  it.each([
    ['no jobs per node', LINE.with(1, 'None')],
    ['one option more', [...LINE, '--delay', '1']],
    ['another order', [...LINE.slice(2), ...LINE.slice(0, 2)]],
    ['--resume', ['--resume', ...LINE]],
    ['a replacement string', LINE.with(3, '/b/{1}')],
    ['a relative path', LINE.with(3, 'scratch')],
    ['a command of its own', [...LINE, 'echo']],
  ])('with %s is GNU parallel’s', (_, args) => {
    expect(readSierraLine(args, {})).toBeUndefined();
  });

  it.each([
    '--delay 1',
    '--env _',
    '--retries 0',
    '--timeout 200%',
    "--env 'A'",
    '--halt now,fail=1',
    'echo',
  ])('with PARALLEL=%s is GNU parallel’s', (PARALLEL) => {
    expect(readSierraLine(LINE, { PARALLEL })).toBeUndefined();
  });
});

describe('PARALLEL as SIERRA gets it', () => {
  const plan = {
    environment: { B: '2' },
    retry: { attempts: 1, tasks: 1 },
    timeouts: { queueSeconds: 1, joinSeconds: 1, runSeconds: 1, taskSeconds: 9 },
  };
  const options = (all: Record<string, string>) => parallelOptions(all, plan);

  it('holds no "=" of an option, which would make SIERRA drop its own list, and that list as well', () => {
    expect(options({ PARALLEL: '--env=A --retries=3', PATH: '/bin', B: '2' })).toBe(
      '--env A --retries 3 --env PATH --env B --retries 2 --timeout 9',
    );
  });

  it('may be undefined, and names only what is defined', () => {
    expect(options({ B: '2' })).toBe('--env B --retries 2 --timeout 9');
  });
});

describe('arguments of SIERRA', () => {
  it('tell the batch root as SIERRA makes it', () => {
    const args = ['--project=p.q', '--controller', 'a.b', '--scenario=s', '--expdef-template=x/my-exp.argos'];
    expect(sierraBatchRoot([...args, '--batch-criteria', 'c.1', 'd.2', '--n-runs=1'])).toBe(
      'p.q/a.b/s/myexp-c.1+d.2',
    );
    expect(sierraBatchRoot(['--project=p.q'])).toBeUndefined();
  });

  it.each([
    [[], 1, ['--physics-n-engines=1']],
    [['--engine=engine.argos'], 5, ['--physics-n-engines=4']],
    [['--engine', 'plugins.argos'], 100, ['--physics-n-engines=24']],
    [['--physics-n-engines=2'], 8, []],
    [['--engine=plugins.jsonsim'], 8, []],
  ])('%j with %i threads a task: ARGoS gets its number of engines', (args, threads, more) => {
    expect(engineArguments(args, threads)).toEqual(more);
  });
});

describe('a run of SIERRA', () => {
  it('is found in its command', () => {
    expect(sierraRunOf('argos3 -c /e/b/exp-inputs/c1-exp0+c2-exp3/template_run12.argos;')).toEqual({
      experiment: 'c1-exp0+c2-exp3',
      run: 12,
      input: '/e/b/exp-inputs/c1-exp0+c2-exp3/template_run12.argos',
      output: '/e/b/exp-outputs/c1-exp0+c2-exp3/template_run12_output',
    });
    expect(sierraRunOf('./sim --seed 1')).toBeUndefined();
  });

  it('is found in what SIERRA said last', () => {
    expect(placeInSierra('c1-exp0 …\nKeyError: /b/exp-outputs/c1-exp2/template_run3_output/x')).toEqual({
      experiment: 'c1-exp2',
      run: 3,
    });
    expect(placeInSierra('Gathering c1-exp1...')).toEqual({ experiment: 'c1-exp1' });
    expect(placeInSierra('nothing')).toEqual({});
  });
});
