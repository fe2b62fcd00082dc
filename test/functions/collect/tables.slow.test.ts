import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import type { Cell, Column } from '../../../experiment/results/cells.ts';
import { csvLine } from '../../../experiment/results/cells.ts';
import { ParquetRows } from '../../../functions/collect/parquet.ts';
import { pythonVenv } from '../../../scripts/install/python-venv.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const COLUMNS: readonly Column[] = [
  { name: 'task', type: 'INT32' },
  { name: 'seed', type: 'INT64' },
  { name: 'speed', type: 'DOUBLE' },
  { name: 'fast', type: 'BOOLEAN' },
  { name: 'mode', type: 'STRING' },
  { name: 'start', type: 'TIMESTAMP' },
];
const MODES = ['007', '', 'a,b', 'it"s', 'größe 漢😀', "' OR 1=1", '\ttab ', 'NULL', 'true', '=1+1'];

/** Sparse and dense columns, texts that repeat and texts that do not. */
function rowOf(seq: number): Cell[] {
  return [
    seq,
    seq % 3 === 0 ? null : 2 ** 33 + seq,
    seq % 7 === 0 ? null : seq / 8,
    seq % 5 === 0 ? null : seq % 2 === 0,
    seq % 11 === 0 ? null : `${MODES[seq % MODES.length]}${seq % 4 === 0 ? seq : ''}`,
    seq > 20_000 ? null : Date.UTC(2026, 0, 1) + 37 * seq,
  ];
}

it('DuckDB and pyarrow read the tables of a run as they were written, row for row', async () => {
  const bin = await pythonVenv({
    title: 'DuckDB and pyarrow into .venv-tables/',
    folder: join(root, '.venv-tables', 'readers'),
    requirements: join(root, 'test/functions/collect/tables-requirements.txt'),
    proof: ['python', '-c', 'import duckdb, pyarrow'],
  });
  const folder = mkdtempSync(join(tmpdir(), 'sierra-batch-tables-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const rows = Array.from({ length: 25_001 }, (_, at) => rowOf(at + 1));
  const names = COLUMNS.map(({ name }) => name);
  const parquet = new ParquetRows(COLUMNS);
  for (const row of rows) parquet.add(row);
  writeFileSync(join(folder, 'tasks.parquet'), Buffer.concat([...parquet.finish()]));
  const csv = [csvLine(names, []), ...rows.map((row) => csvLine(row, COLUMNS))];
  writeFileSync(join(folder, 'tasks.csv'), csv.join(''));
  writeFileSync(join(folder, 'rows.jsonl'), [names, ...rows].map((row) => JSON.stringify(row)).join('\n'));
  const script = fileURLToPath(new URL('read-tables.py', import.meta.url));
  const { stdout } = await promisify(execFile)(join(bin, 'python'), [script, folder]);
  expect(JSON.parse(stdout)).toEqual({ rows: 25_001, groups: 3 });
});
