import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTasks } from '../../../experiment/results/task-table.ts';
import { ENDS, parseQuery } from '../../../report/client/tasks/query.ts';
import { columnsOf, inOrder, rowsOf } from '../../../report/client/tasks/task-rows.ts';
import type { PackedTasks, TasksData } from '../../../report/tasks/packed.ts';
import { chooseTasks, gatherParameters } from '../../../report/tasks/parameters.ts';
import { Endings } from '../../../report/timeline/endings.ts';
import { decodeLanes, encodeLanes } from '../../../report/timeline/format.ts';
import { arrangeLanes } from '../../../report/timeline/lanes.ts';
import { Tries } from '../../../report/timeline/tries.ts';
import { aNode, aRow, START } from '../../fixtures/records.ts';

const packed: PackedTasks = {
  keys: ['speed', 'end'],
  columns: [
    ['0.5', '2', '10', 'fast'],
    ['a', 'b', 'c', ''],
  ],
  before: [4],
};
const data: TasksData = { total: 4, isLive: true, kept: [], packed: '' };

async function known() {
  const tasks = await readTasks([
    aRow(1, { exitval: 3, runtime: 2.5 }),
    aRow(2, { exitval: 1 }),
    aRow(2, { startTime: START / 1000 + 20, host: '10.0.1.11' }),
  ]);
  const endings = new Endings();
  const tries = new Tries({ tasks }, START, endings);
  const arranged = arrangeLanes({ tasks, nodes: [aNode(0), aNode(1)] }, tries);
  const lanes = arranged.flatMap((node) => node.lanes.map((lane) => lane.map((place) => tries.bar(place))));
  return {
    data: {
      origin: START,
      span: 40_000,
      bars: 3,
      nodes: arranged.map((node) => ({
        ...aNode(0),
        name: node.name,
        address: node.address,
        lanes: node.lanes.length,
        slots: 2,
        state: 'joined',
      })),
      endings: endings.words(),
      commands: {},
      lanes: '',
    },
    lanes: decodeLanes(encodeLanes(lanes), lanes.length, 3),
  };
}

describe('rows', () => {
  test('a task has its last end, its tries and its parameters; those without a try are there', async () => {
    const rows = rowsOf(data, packed, await known());
    expect(columnsOf(packed)).toEqual(['task', 'end', 'node', 'seconds', 'tries', 'speed', 'parameter_end']);
    expect(rows.map(({ cells }) => Object.values(cells))).toEqual([
      ['1', 'exit 3', '0', '2.5', '1', '0.5', 'a'],
      ['2', 'succeeded', '1', '10', '2', '2', 'b'],
      ['3', 'not ended', '', '', '', '10', 'c'],
      ['4', 'done before', '', '', '', 'fast', ''],
    ]);
    expect(rows.filter(({ isBad }) => isBad).map(({ seq }) => seq)).toEqual([1]);
  });

  test('of more tasks than there is room for those that failed since are shown as well', async () => {
    const rows = rowsOf(data, { ...packed, chosen: [2, 4] }, await known());
    expect(rows.map(({ seq }) => seq)).toEqual([2, 4, 1]);
    expect(rows[0]?.cells.speed).toBe('0.5');
  });

  test('any column is an order, numbers as numbers and what is empty last', async () => {
    const rows = rowsOf(data, packed, await known());
    const by = (column: string, descending: boolean) =>
      rows.toSorted(inOrder(column, descending)).map(({ seq }) => seq);
    expect(by('speed', false)).toEqual([1, 2, 3, 4]);
    expect(by('speed', true)).toEqual([4, 3, 2, 1]);
    expect(by('seconds', true)).toEqual([2, 1, 3, 4]);
    expect(by('parameter_end', true)).toEqual([3, 2, 1, 4]);
  });
});

describe('what a reader asks for', () => {
  const columns = columnsOf(packed);
  const found = async (text: string) => {
    const { keeps, wrong } = parseQuery(text, columns);
    return {
      seqs: rowsOf(data, packed, await known())
        .filter(({ cells }) => keeps(cells))
        .map(({ seq }) => seq),
      wrong,
    };
  };

  test('is a text in any cell, or a condition of `tasks --where`', async () => {
    expect((await found('')).seqs).toEqual([1, 2, 3, 4]);
    expect((await found('EXIT')).seqs).toEqual([1]);
    expect((await found('fast')).seqs).toEqual([4]);
    expect((await found('speed>1 && end!=succeeded')).seqs).toEqual([3, 4]);
    expect((await found('seconds >= 2.5')).seqs).toEqual([1, 2]);
  });

  test('a condition that cannot be understood says so and finds nothing it does not say', async () => {
    expect(await found('sped>1')).toEqual({ seqs: [], wrong: expect.stringContaining('no column sped') });
  });

  test('any text is understood in some way', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseQuery(text, columns)));
  });

  test('ends', async () => {
    const rows = rowsOf(data, packed, await known());
    const kept = Object.values(ENDS).map((keeps) => rows.filter(keeps).map(({ seq }) => seq));
    expect(kept).toEqual([[1, 2, 3, 4], [1], [2], [2], [3]]);
  });
});

test('of more than 100,000 tasks failures, the slowest and an even sample are chosen', async () => {
  const tasks = await readTasks([aRow(150_001, { exitval: 1 }), aRow(7, { runtime: 99 }), aRow(199_999)]);
  expect(chooseTasks(tasks, 100_000)).toBeUndefined();
  const chosen = chooseTasks(tasks, 200_000) ?? [];
  expect(chosen.length).toBeLessThanOrEqual(100_000);
  expect(chosen.length).toBeGreaterThan(99_900);
  expect(new Set(chosen).has(150_001)).toBe(true);
  expect(chosen.filter((seq) => seq > 100_000).length).toBeGreaterThan(49_000);
  const source = {
    keys: ['seed'],
    async *tasks() {
      yield Array.from({ length: 200_000 }, (_, at) => ({
        seq: at + 1,
        values: [`s${at + 1}`],
        command: null,
      }));
    },
  };
  const { columns } = await gatherParameters(source, chosen);
  expect(columns[0]).toEqual(chosen.map((seq) => `s${seq}`));
});
