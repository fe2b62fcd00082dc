import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import type { Cell, CellType, Column } from '../../experiment/results/cells.ts';

/** Few enough for a page of a table to be read by itself, many enough for values to be packed well. */
const ROWS_IN_GROUP = 10_000;

/** Writes rows as Parquet (Snappy, a row group for each 10,000), and holds what is packed alone. */
export class ParquetRows {
  readonly #columns: readonly Column[];
  readonly #bytes = new Chunks();
  readonly #writer: ParquetWriter;
  #rows: (readonly Cell[])[] = [];

  constructor(columns: readonly Column[]) {
    this.#columns = columns;
    const columnData = columns.map(({ name, type }) => ({ name, type, data: [] }));
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: schemaFromColumnData({ columnData }),
      createdBy: 'sierra-batch',
    });
  }

  add(row: readonly Cell[]): void {
    this.#rows.push(row);
    if (this.#rows.length === ROWS_IN_GROUP) this.#writeGroup();
  }

  /** The whole file, in pieces. */
  finish(): readonly Uint8Array[] {
    if (this.#rows.length > 0) this.#writeGroup();
    this.#writer.finish();
    this.#bytes.flush();
    return this.#bytes.chunks;
  }

  #writeGroup(): void {
    const rows = this.#rows;
    this.#rows = [];
    this.#writer.write({
      columnData: this.#columns.map(({ name, type }, at) => ({
        name,
        type,
        data: rows.map((row) => stored(row[at] ?? null, type)),
      })),
      rowGroupSize: ROWS_IN_GROUP,
    });
  }
}

/** As the library takes a value of this type. */
function stored(cell: Cell, type: CellType): string | number | boolean | bigint | Date | null {
  if (cell === null) return null;
  if (type === 'INT64') return BigInt(Number(cell));
  return type === 'TIMESTAMP' ? new Date(Number(cell)) : cell;
}

/** What is written leaves the growing buffer after each row group. */
class Chunks extends ByteWriter {
  readonly chunks: Uint8Array[] = [];

  flush(): void {
    this.chunks.push(this.getBytes().slice());
    this.index = 0;
  }
}
