/** A value of a table; what is not known is null. Of a TIMESTAMP milliseconds since the epoch. */
export type Cell = string | number | boolean | null;

/** How a column is held in Parquet. */
export type CellType = 'BOOLEAN' | 'INT32' | 'INT64' | 'DOUBLE' | 'STRING' | 'TIMESTAMP';

export interface Column {
  name: string;
  type: CellType;
}

const WHOLE = /^-?(?:0|[1-9]\d{0,15})$/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const MAX_INT32 = 2 ** 31;

/**
 * What all values of a column are: a number where each is written as one, and its zeros are none that a number would lose
 * (`007` stays a text).
 */
export class ColumnType {
  #isBoolean = true;
  #isWhole = true;
  #isNumber = true;
  #isSmall = true;
  #isEmpty = true;

  see(text: string): void {
    this.#isEmpty = false;
    this.#isBoolean &&= text === 'true' || text === 'false';
    this.#isWhole &&= WHOLE.test(text) && Number.isSafeInteger(Number(text));
    this.#isNumber &&= NUMBER.test(text) && Number.isFinite(Number(text));
    this.#isSmall &&= Math.abs(Number(text)) < MAX_INT32;
  }

  get type(): CellType {
    if (this.#isEmpty) return 'STRING';
    if (this.#isBoolean) return 'BOOLEAN';
    if (this.#isWhole) return this.#isSmall ? 'INT32' : 'INT64';
    return this.#isNumber ? 'DOUBLE' : 'STRING';
  }
}

/** The value that a text is in a column of this type. */
export function typed(text: string | null, type: CellType): Cell {
  if (text === null || type === 'STRING') return text;
  return type === 'BOOLEAN' ? text === 'true' : Number(text);
}

/** A line of CSV (RFC 4180, with LF), its newline included. */
export function csvLine(cells: readonly Cell[], columns: readonly Column[]): string {
  let line = '';
  for (const [at, cell] of cells.entries())
    line += `${at === 0 ? '' : ','}${csvCell(cell, columns[at]?.type ?? 'STRING')}`;
  return `${line}\n`;
}

/** The cells of a line of CSV, without its newline. */
export function csvCells(line: string): string[] {
  // A comma before each: an empty first cell would be a match of no length, behind which one sign is passed over.
  return [...`,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain = '']) =>
    quoted === undefined ? plain : quoted.replaceAll('""', '"'),
  );
}

function csvCell(cell: Cell, type: CellType): string {
  if (cell === null) return '';
  if (type === 'TIMESTAMP') return new Date(Number(cell)).toISOString();
  const text = String(cell);
  // An empty text in quotes is one; nothing is none.
  return text === '' || /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
