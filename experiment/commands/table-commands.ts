import type { DesignParts } from './design.ts';
import { Design } from './design.ts';
import type { CommandSource } from './lines.ts';
import { BadList, TOO_MANY } from './lines.ts';
import { commandMaker, MAX_LIST_BYTES } from './list.ts';
import { MAX_COMMANDS } from './matrix.ts';
import { isPlainValue } from './quote.ts';
import type { TableFormat } from './table.ts';
import { TableRows } from './table.ts';
import { parseTemplate } from './template.ts';

/** A template whose parameters come from a table, crossed with what else there is. */
export interface TableDesign extends DesignParts {
  template: string;
  format: TableFormat;
  /** Of the manifest. */
  name: string;
}

const BLOCK_LETTERS = 256 * 1024;

/** Makes the commands of a table, block by block, and judges it as a matrix is judged. */
export class TableCommands implements CommandSource {
  total = 0;
  bytes = 0;
  readonly #mostBytes: number;
  readonly #rows: TableRows;
  readonly #plainOnly: ReadonlySet<string>;
  #make: ReturnType<typeof commandMaker> | undefined;
  #block = '';

  constructor(parts: TableDesign, mostBytes: number) {
    this.#mostBytes = mostBytes;
    this.#rows = new TableRows(parts.format, (columns) => {
      const design = new Design(parts, parts.name, columns);
      judgeColumns(parts, columns, design);
      this.#make = commandMaker(parts.template, design);
    });
    const found = parseTemplate(parts.template).flatMap((part) =>
      'key' in part && part.as === 'plain-only' ? [part.key] : [],
    );
    this.#plainOnly = new Set(found);
  }

  *take(block: Uint8Array): Generator<Buffer> {
    for (const cells of this.#rows.take(block)) yield* this.#commands(cells);
  }

  *end(): Generator<Buffer> {
    for (const cells of this.#rows.end()) yield* this.#commands(cells);
    if (this.total === 0) throw new BadList('it makes no command');
    yield Buffer.from(this.#block);
    this.#block = '';
  }

  *#commands(cells: readonly { text: string; column: number }[]): Generator<Buffer> {
    for (const [at, { text, column }] of cells.entries())
      if (this.#plainOnly.has(this.#rows.columns[at] ?? '') && !isPlainValue(text))
        this.#rows.fault(
          column,
          `{${this.#rows.columns[at]}} stands where the shell reads a second time, so it cannot be quoted; allowed: letters, digits and _ . / : = @ % + , - there`,
        );
    for (const line of this.#make?.(cells.map(({ text }) => text)) ?? []) {
      const bytes = Buffer.byteLength(line);
      this.total += 1;
      this.bytes += bytes + 1;
      if (this.total > MAX_COMMANDS) throw new BadList(TOO_MANY);
      if (this.bytes > MAX_LIST_BYTES) throw new BadList('its commands have over 1 GiB in all');
      if (bytes > this.#mostBytes)
        this.#rows.fault(
          1,
          `the command has ${bytes.toLocaleString('en')} bytes; allowed: at most ${this.#mostBytes.toLocaleString('en')}`,
        );
      this.#block += `${line}\n`;
      if (this.#block.length < BLOCK_LETTERS) continue;
      yield Buffer.from(this.#block);
      this.#block = '';
    }
  }
}

/** What template, table and the other parts call by different names, or by the same. */
function judgeColumns({ template, exclude = [] }: TableDesign, columns: readonly string[], { keys }: Design) {
  const used = new Set(parseTemplate(template).flatMap((part) => ('key' in part ? [part.key] : [])));
  const known = new Set(keys);
  const shown = columns.slice(0, 20).join(', ');
  for (const key of used)
    if (!known.has(key)) throw new BadList(`{${key}} of the template is no column of it: ${shown}`);
  for (const key of columns)
    if (!used.has(key)) throw new BadList(`line 1: {${key}} is not used in the template`);
  if (known.size < keys.length) {
    const twice = keys.find((key, at) => keys.indexOf(key) < at);
    throw new BadList(`line 1: ${twice} is a key of the manifest as well`);
  }
  for (const key of exclude.flatMap((entry) => Object.keys(entry)))
    if (!known.has(key)) throw new BadList(`${key} of run.commands.exclude is no column of it: ${shown}`);
}
