import { Readable } from 'node:stream';
import type { TaskSource } from '../../experiment/plan/planned-tasks.ts';
import type { Cell, Column } from '../../experiment/results/cells.ts';
import { ColumnType, csvLine, typed } from '../../experiment/results/cells.ts';
import { FIRST_PARAMETER, TaskRows, taskColumns } from '../../experiment/results/task-rows.ts';
import type { RunStores } from '../stores/run-stores.ts';
import { ParquetRows } from './parquet.ts';
import { ResultColumns } from './result-columns.ts';
import type { Remains } from './run-folder.ts';
import { taskSource } from './task-source.ts';

const BLOCK_LETTERS = 256 * 1024;

/**
 * Writes `tasks.csv` and `tasks.parquet`: a row a task, with its parameters and what became of it. The rows are made twice,
 * first for the types of the columns and the length of the CSV, so that a million of them are never held.
 */
export async function writeTaskFiles(
  { bucket, records: { keys } }: Pick<RunStores, 'bucket' | 'records'>,
  remains: Remains,
): Promise<void> {
  const { plan, progress } = remains;
  if (plan === undefined) return;
  const results = await ResultColumns.of(
    () => bucket.stream(keys.results),
    plan.work.kind === 'sierra' ? {} : plan.results,
  );
  const table = new Table(
    await taskSource(bucket, keys, plan.work),
    new TaskRows({ ...remains, open: progress?.open }),
    results,
  );
  const { columns, bytes } = await table.measure();
  const parquet = new ParquetRows(columns);
  const csv = table.blocks((row) => parquet.add(row.map((cell, at) => inColumn(cell, columns[at]))));
  await bucket.writeStream(keys.tasksCsv, Readable.from(csv, { objectMode: false }), bytes, 'text/csv');
  const pieces = parquet.finish();
  await bucket.writeStream(
    keys.tasksParquet,
    Readable.from(pieces, { objectMode: false }),
    pieces.reduce((sum, { length }) => sum + length, 0),
    'application/vnd.apache.parquet',
  );
}

function inColumn(cell: Cell, column: Column | undefined): Cell {
  return typeof cell === 'string' ? typed(cell, column?.type ?? 'STRING') : cell;
}

/** The rows of a run, as often as they are asked for: what people wrote as they wrote it. */
class Table {
  readonly #source: TaskSource;
  readonly #rows: TaskRows;
  readonly #results: ResultColumns;
  readonly #columns: readonly Column[];

  constructor(source: TaskSource, rows: TaskRows, results: ResultColumns) {
    this.#source = source;
    this.#rows = rows;
    this.#results = results;
    this.#columns = taskColumns(
      source.keys.map((name) => ({ name, type: 'STRING' })),
      results.columns,
    );
  }

  async measure(): Promise<{ columns: Column[]; bytes: number }> {
    const first = FIRST_PARAMETER;
    const types = this.#source.keys.map(() => new ColumnType());
    let bytes = 0;
    const see = (row: readonly Cell[]) => {
      for (const [at, type] of types.entries()) {
        const cell = row[first + at];
        if (typeof cell === 'string') type.see(cell);
      }
    };
    for await (const block of this.blocks(see)) bytes += block.length;
    const columns = this.#columns.map((column, at) => ({
      ...column,
      type: types[at - first]?.type ?? column.type,
    }));
    return { columns, bytes };
  }

  /** The CSV. @param onRow sees each row of it */
  async *blocks(onRow: (row: readonly Cell[]) => void): AsyncGenerator<Buffer> {
    let block = csvLine(
      this.#columns.map(({ name }) => name),
      [],
    );
    for await (const rows of this.#all())
      for (const row of rows) {
        onRow(row);
        block += csvLine(row, this.#columns);
        if (block.length < BLOCK_LETTERS) continue;
        yield Buffer.from(block);
        block = '';
      }
    yield Buffer.from(block);
  }

  async *#all(): AsyncGenerator<Cell[][]> {
    let last = 0;
    const [rows, results] = [this.#rows, this.#results.reader()];
    for await (const batch of this.#source.tasks()) {
      last = batch.at(-1)?.seq ?? last;
      const made: Cell[][] = [];
      await results.readUntil(last);
      for (const { seq, values, command } of batch)
        made.push(rows.row(seq, values, command, results.cells(seq)));
      yield made;
    }
    // Rows whose list of commands was lost, or is not what was planned.
    const unknown = this.#source.keys.map(() => null);
    for (let seq = last + 1; seq <= rows.highest; seq += 1)
      if (rows.has(seq)) yield [rows.row(seq, unknown, null, results.cells(seq))];
  }
}
