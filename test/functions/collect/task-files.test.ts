import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { Plan } from '../../../experiment/plan/plan.ts';
import { renderPlan } from '../../../experiment/plan/plan.ts';
import { renderJoblog } from '../../../experiment/results/joblog.ts';
import { renderLastLine } from '../../../experiment/results/last-lines.ts';
import { readRemains } from '../../../functions/collect/run-folder.ts';
import { writeTaskFiles } from '../../../functions/collect/task-files.ts';
import { storesOf } from '../../../functions/stores/run-stores.ts';
import { aPlan, aRow, RUN_ID } from '../../fixtures/records.ts';
import { controlPlane } from '../../support/control-plane.ts';

const keys = runKeys(RUN_ID);
const START = Date.UTC(2026, 0, 1) / 1000;
const HEAD = 'command,node,slot,try,start,seconds,end,exit,signal,line,version';

async function aTable(work: Plan['work'], objects: Record<string, string>, plan: Partial<Plan> = {}) {
  const plane = await controlPlane();
  const stores = storesOf(plane.deps, RUN_ID);
  await plane.put(keys.plan, renderPlan(aPlan({ work, ...plan })).text);
  for (const [key, text] of Object.entries(objects)) await plane.put(key, text);
  const remains = await readRemains(stores, undefined, START * 1000);
  await writeTaskFiles(stores, remains);
  expect((await plane.text(keys.tasksParquet)).slice(0, 4)).toBe('PAR1');
  return (await plane.text(keys.tasksCsv)).trimEnd().split('\n');
}

const frozen = (total: number) => ({ kind: 'frozen', key: keys.commands, total }) as const;
const row = (seq: number, more: object = {}) =>
  aRow(seq, { host: '10.0.0.1', startTime: START + seq, runtime: 2.5, ...more });

it('a row a task has parameters by the plan, never by what a task wrote as its command', async () => {
  const design = {
    name: 'sweep',
    template: './sim {speed} {exit}',
    matrix: { speed: ['0.10', '2'], exit: ['x,y', 'it"s'] },
    exclude: [{ speed: '2', exit: 'x,y' }],
  };
  const noted = renderLastLine({ seq: 2, startTime: START + 3 }, { kind: 'memory' }, 'killed, "again"');
  const table = await aTable(
    { kind: 'commands', file: frozen(3), design },
    {
      [keys.joblog]: renderJoblog([
        row(1, { command: './sim 9 9' }),
        row(2, { startTime: START + 2, exitval: 3 }),
        row(2, { startTime: START + 3, exitval: 137 }),
      ]),
      [keys.lastLines]: `${noted}\n`,
      [keys.versions]: JSON.stringify([
        { id: 'abc', from: '2026-01-01T00:00:02.500Z', inputs: [], image: null, environment: {} },
      ]),
    },
  );
  expect(table).toEqual([
    `task,speed,parameter_exit,${HEAD}`,
    '1,0.10,"x,y","./sim 0.10 x,y",10.0.0.1,1,1,2026-01-01T00:00:01.000Z,2.5,succeeded,0,,,',
    `2,0.10,"it""s","./sim 0.10 'it""s'",10.0.0.1,3,2,2026-01-01T00:00:03.000Z,2.5,out of memory,137,,"killed, ""again""",abc`,
    `3,2,"it""s","./sim 2 'it""s'",,,,,,not started,,,,`,
  ]);
});

it('with GNU parallel’s own retries nobody knows which try the last one was', async () => {
  const work = { kind: 'commands', file: frozen(1) } as const;
  const objects = { [keys.commands]: 'one\n', [keys.joblog]: renderJoblog([row(1)]) };
  for (const [tasks, shown] of [
    [1, ',1,,'],
    [0, ',1,1,'],
  ] as const) {
    const [, line] = await aTable(work, objects, { fanout: 'stock', retry: { attempts: 1, tasks } });
    expect(line).toContain(`10.0.0.1${shown}`);
  }
});

it('what the runs before had done stands in the table, with what a list says and no parameters', async () => {
  const table = await aTable(
    { kind: 'commands', file: frozen(2) },
    {
      [keys.commands]: 'one\ntwo\nthree\n',
      [keys.joblog]: renderJoblog([row(1, { startTime: START - 10 }), row(2, { exitval: 139 })]),
    },
    { resume: 'sweep-0123456789b' },
  );
  expect(table).toEqual([
    `task,${HEAD}`,
    '1,one,10.0.0.1,,,2025-12-31T23:59:50.000Z,2.5,succeeded,0,,,',
    '2,two,10.0.0.1,1,1,2026-01-01T00:00:02.000Z,2.5,signal 11 (SEGV),139,11,,',
  ]);
});

it('a table that was written over gives no parameters, and the one that was planned does', async () => {
  const sha256 = createHash('sha256').update('a\n1\n2\n').digest('hex');
  const design = { name: 'sweep', template: 's {a}', table: { format: 'csv', sha256 } } as const;
  const work = { kind: 'commands', file: frozen(2), design } as const;
  const objects = { [keys.commands]: 's 1\ns 2\n', [keys.joblog]: renderJoblog([row(2)]) };
  const [head, , second] = await aTable(work, { ...objects, [keys.table('csv')]: 'a\n1\n2\n' });
  expect(head).toBe(`task,a,${HEAD}`);
  expect(second).toMatch(/^2,2,s 2,10\.0\.0\.1/);
  for (const table of ['a\n3\n4\n', 'nonsense "', ''])
    expect((await aTable(work, { ...objects, [keys.table('csv')]: table }))[0]).toBe(`task,${HEAD}`);
});

it('of SIERRA there are experiment, run and what the criterion set, and rows of tasks that no list has', async () => {
  const command = 'argos3 -c /r/exp-inputs/c1-exp2/template_run7.argos > /r/x';
  const table = await aTable(
    { kind: 'sierra', args: [], pipeline: [1, 2], onFailedRuns: 'process' },
    {
      [keys.joblog]: renderJoblog([row(5), row(4, { command })]),
      [keys.results]: '[4,{"robots":9}]\n',
    },
  );
  expect(table[0]).toBe(`task,experiment,run,${HEAD},robots`);
  expect(table[1]).toMatch(/^4,c1-exp2,7,.*,9$/);
  expect(table[1]).toContain(command);
  expect(table[2]).toMatch(/^5,"","",/);
});

it('fields that the manifest names are columns; what is no line of a task is passed over', async () => {
  const design = { name: 'sweep', template: 's {a}', matrix: { a: ['1', '2', '3'] } };
  const work = { kind: 'commands', file: frozen(3), design } as const;
  const results = [
    '[1,{"mean":0.5,"a":"x","n":1}]',
    '[3,{"mean":2,"n":null}]',
    '[2,{"mean":9}]',
    'nonsense',
    '[9,{"mean":9}]',
  ];
  const objects = { [keys.results]: `${results.join('\n')}\n`, [keys.joblog]: renderJoblog([row(1)]) };
  const of = async (fields?: string[]) => {
    const plan = { results: { from: 'json', path: '{a}', ...(fields && { fields }) } } as const;
    return aTable(work, objects, plan);
  };
  expect((await aTable(work, objects, { results: { from: 'json', path: '{a}' } }))[0]).toBe(
    `task,a,${HEAD},mean,result_a,n`,
  );
  // Names that ours and others' have already are told apart, whatever a task calls its fields.
  const twice = { ...objects, [keys.results]: '[1,{"command":1,"result_command":2,"result_a":3,"a":4}]\n' };
  expect((await aTable(work, twice, { results: { from: 'json', path: '{a}' } }))[0]).toBe(
    `task,a,${HEAD},result_command,result_result_command,result_a,result_result_a`,
  );
  const ends = (lines: string[], many: number) => lines.map((line) => line.split(',').slice(-many).join());
  expect(ends(await of(), 3)).toEqual(['mean,result_a,n', '0.5,x,1', ',,', '2,,']);
  expect(ends(await of(['n', 'gone']), 2)).toEqual(['n,gone', '1,', ',', ',']);
  // Without `results` in the manifest a task cannot add a column.
  expect((await aTable(work, objects))[0]).toBe(`task,a,${HEAD}`);
});
