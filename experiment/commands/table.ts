import { counted } from '../text/numbers.ts';
import { BadList } from './lines.ts';

export type TableFormat = 'csv' | 'jsonl';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NEWLINE = 10;
/** A row becomes commands of at most 128 KiB. */
const MOST_BYTES = 256 * 1024;
const MOST_COLUMNS = 1000;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NAMES = 'letters, digits and underscores, not beginning with a digit';

/** One value of a row, and the column of its line where it stands, from 1. */
interface Cell {
  text: string;
  column: number;
}

/** A table of parameters by its name; undefined for a file of another kind. */
export function tableFormat(path: string): TableFormat | undefined {
  return path.endsWith('.csv') ? 'csv' : path.endsWith('.jsonl') ? 'jsonl' : undefined;
}

/**
 * Reads a table block by block, of any size and any bytes: CSV (RFC 4180) with a header, or an object of values a line,
 * with the same keys in each. Values stay as they are written. Faults have line and column; nothing is guessed.
 */
export class TableRows {
  /** Names of the columns; empty before the first row. */
  columns: readonly string[] = [];
  /** Number of the line that was read last, from 1. */
  line = 0;
  readonly #format: TableFormat;
  readonly #onColumns: (columns: readonly string[]) => void;
  #rest: Buffer = Buffer.alloc(0);

  /** @param onColumns gets them once, before the first row; what it throws is thrown */
  constructor(format: TableFormat, onColumns: (columns: readonly string[]) => void = () => {}) {
    this.#format = format;
    this.#onColumns = onColumns;
  }

  /** The rows that end in this block, values in the order of the columns. @throws BadList */
  *take(block: Uint8Array): Generator<readonly Cell[]> {
    const text = Buffer.concat([this.#rest, block]);
    let from = 0;
    for (let end = text.indexOf(NEWLINE); end !== -1; end = text.indexOf(NEWLINE, from)) {
      yield* this.#row(text.subarray(from, end));
      from = end + 1;
    }
    this.#rest = Buffer.from(text.subarray(from));
    if (this.#rest.length > MOST_BYTES) this.#tooLong(this.line + 1);
  }

  /** The last row, where the table does not end with a newline. @throws BadList */
  *end(): Generator<readonly Cell[]> {
    if (this.#rest.length > 0) yield* this.#row(this.#rest);
    this.#rest = Buffer.alloc(0);
    if (this.columns.length === 0) throw new BadList('it is empty');
  }

  /** @throws BadList */
  fault(column: number, message: string): never {
    throw new BadList(`line ${this.line}, column ${column}: ${message}`);
  }

  *#row(bytes: Buffer): Generator<readonly Cell[]> {
    this.line += 1;
    if (bytes.length > MOST_BYTES) this.#tooLong(this.line);
    // Python's csv and Excel end lines with CR LF, and Excel begins with a byte order mark.
    const line = this.#decoded(bytes).replace(/\r$/, '');
    const text = this.line === 1 ? line.replace(/^\ufeff/, '') : line;
    const control = /[^\P{Cc}\t]/u.exec(text);
    if (control !== null) this.fault(control.index + 1, 'a character that cannot be seen is not allowed');
    if (text.trim() === '') return;
    const cells = this.#format === 'csv' ? this.#csv(text) : this.#json(text);
    if (cells !== undefined) yield cells;
  }

  #decoded(bytes: Buffer): string {
    try {
      return UTF8.decode(bytes);
    } catch {
      throw new BadList(`line ${this.line} is not UTF-8 text`);
    }
  }

  #csv(text: string): Cell[] | undefined {
    const cells = this.#cells(text);
    if (this.columns.length === 0) {
      this.#begin(cells);
      return undefined;
    }
    const extra = cells[this.columns.length];
    if (extra !== undefined)
      this.fault(
        extra.column,
        `${cells.length} values, and the header has ${counted(this.columns.length, 'name')}`,
      );
    const missing = this.columns[cells.length];
    if (missing !== undefined) this.fault(text.length + 1, `the value of ${missing} is missing`);
    return cells;
  }

  #cells(text: string): Cell[] {
    const cells: Cell[] = [];
    for (let at = 0; at <= text.length; ) {
      const column = at + 1;
      if (text[at] === '"') {
        const end = this.#closing(text, at);
        cells.push({ text: text.slice(at + 1, end).replaceAll('""', '"'), column });
        if (end + 1 < text.length && text[end + 1] !== ',')
          this.fault(end + 2, 'only a comma may stand behind a closing quote');
        at = end + 2;
        continue;
      }
      const comma = text.indexOf(',', at);
      const end = comma === -1 ? text.length : comma;
      const value = text.slice(at, end);
      if (value === '' && this.columns.length > 0)
        this.fault(
          column,
          `${this.columns[cells.length] ?? 'a column'} has no value; write "" for an empty one`,
        );
      if (value.trim() !== value)
        this.fault(column, `blanks around ${JSON.stringify(value.trim())}; in quotes they are part of it`);
      if (value.includes('"'))
        this.fault(column, 'a value with a quote in it stands in quotes, each doubled');
      cells.push({ text: value, column });
      at = end + 1;
    }
    return cells;
  }

  #closing(text: string, from: number): number {
    let at = text.indexOf('"', from + 1);
    while (at !== -1 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
    if (at === -1) this.fault(from + 1, 'the quote is not closed; a value has no line break');
    return at;
  }

  #json(text: string): Cell[] {
    const found = this.#fields(text);
    if (this.columns.length === 0)
      this.#begin([...found].map(([name, { column }]) => ({ text: name, column })));
    for (const [name, { column }] of found)
      if (!this.columns.includes(name)) this.fault(column, `${name} is not a key of the first line`);
    return this.columns.map(
      (name) => found.get(name) ?? this.fault(text.length, `the value of ${name} is missing`),
    );
  }

  /** JSON.parse would make 1 of 1.0. */
  #fields(text: string): Map<string, Cell> {
    const fields = new Map<string, Cell>();
    let at = 0;
    const next = (pattern: RegExp, what: string): string => {
      pattern.lastIndex = at;
      const [all = '', token = ''] = pattern.exec(text) ?? this.fault(at + 1, `${what} is expected here`);
      at += all.length;
      return token;
    };
    next(OPENING, 'an object such as {"speed": 0.1}');
    do {
      const column = at + 1;
      const name = unquoted(next(STRING, 'a key in quotes'));
      if (name === undefined || fields.has(name)) this.fault(column, 'a key is given twice, or is none');
      next(COLON, 'a colon');
      const place = at + 1;
      const token = next(VALUE, 'a text, a number, true or false');
      const value = token.startsWith('"') ? unquoted(token) : token;
      if (value === undefined || /[\n\r\0]/.test(value))
        this.fault(place, 'a value with a line break would make two commands of one');
      fields.set(name, { text: value, column: place });
    } while (next(COMMA_OR_END, 'a comma or the closing brace') === ',');
    if (text.slice(at).trim() !== '') this.fault(at + 1, 'nothing may stand behind the object');
    return fields;
  }

  #begin(names: readonly Cell[]): void {
    const seen = new Set<string>();
    if (names.length > MOST_COLUMNS) this.fault(1, `over ${MOST_COLUMNS} columns are not allowed`);
    for (const { text, column } of names) {
      if (text === '')
        this.fault(column, 'a column has no name (pandas: to_csv(…, index=False) leaves out its own)');
      if (!NAME.test(text))
        this.fault(
          column,
          `${JSON.stringify(text.slice(0, 60))} is no name of a parameter; allowed: ${NAMES}${text.startsWith('#') ? ' (numpy: savetxt(…, comments="") writes none)' : ''}`,
        );
      if (seen.has(text)) this.fault(column, `${text} is given twice`);
      seen.add(text);
    }
    this.columns = [...seen];
    this.#onColumns(this.columns);
  }

  #tooLong(line: number): never {
    throw new BadList(
      `line ${line} has over ${MOST_BYTES.toLocaleString('en')} bytes, the most that a row may have`,
    );
  }
}

const OPENING = /[ \t]*(\{)[ \t]*/y;
const STRING = /("(?:[^"\\]|\\.)*")[ \t]*/y;
const COLON = /(:)[ \t]*/y;
const VALUE = /("(?:[^"\\]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false)[ \t]*/y;
const COMMA_OR_END = /([,}])[ \t]*/y;

function unquoted(token: string): string | undefined {
  try {
    const value: unknown = JSON.parse(token);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
