import type { Cell, Column } from '../../experiment/results/cells.ts';
import { ColumnType } from '../../experiment/results/cells.ts';
import type { ResultFields, ResultsPlan } from '../../experiment/results/result-fields.ts';
import {
  MAX_RESULT_FIELDS,
  MAX_RESULT_LINE,
  MAX_RESULTS_BYTES,
  parseResultLine,
} from '../../experiment/results/result-fields.ts';
import { boundedLines } from '../../experiment/text/bounded-lines.ts';

type Open = () => Promise<AsyncIterable<Uint8Array> | undefined>;

/** The columns that `results.jsonl` gives. Node 0 writes it, and so may any task. */
export class ResultColumns {
  readonly columns: readonly Column[];
  readonly #open: Open;

  private constructor(columns: readonly Column[], open: Open) {
    this.columns = columns;
    this.#open = open;
  }

  /** Names in the order in which the manifest, or else the tasks, name them. */
  static async of(open: Open, plan: Pick<ResultsPlan, 'fields'> | undefined): Promise<ResultColumns> {
    if (plan === undefined) return new ResultColumns([], async () => undefined);
    const types = new Map((plan.fields ?? []).map((name) => [name, new ColumnType()]));
    for await (const { fields } of inOrder(open))
      for (const [name, cell] of Object.entries(fields)) {
        if (plan.fields === undefined && !types.has(name) && types.size < MAX_RESULT_FIELDS)
          types.set(name, new ColumnType());
        if (cell !== null) types.get(name)?.see(String(cell));
      }
    return new ResultColumns(
      [...types].map(([name, { type }]) => ({ name, type })),
      open,
    );
  }

  reader(): ResultReader {
    return new ResultReader(
      this.columns.map(({ name }) => name),
      inOrder(this.#open),
    );
  }
}

/** Goes along with the tasks, which come in the order of their numbers as well. */
class ResultReader {
  readonly #names: readonly string[];
  readonly #lines: AsyncGenerator<{ seq: number; fields: ResultFields }>;
  readonly #none: readonly Cell[];
  #known = new Map<number, ResultFields>();
  #next: { seq: number; fields: ResultFields } | undefined;

  constructor(names: readonly string[], lines: AsyncGenerator<{ seq: number; fields: ResultFields }>) {
    this.#names = names;
    this.#lines = lines;
    this.#none = names.map(() => null);
  }

  /** Forgets what it knows, and reads as far as this task. */
  async readUntil(seq: number): Promise<void> {
    this.#known = new Map();
    for (;;) {
      this.#next ??= (await this.#lines.next()).value ?? undefined;
      if (this.#next === undefined || this.#next.seq > seq) return;
      this.#known.set(this.#next.seq, this.#next.fields);
      this.#next = undefined;
    }
  }

  /** As texts, like parameters: the column says what they are. */
  cells(seq: number): readonly Cell[] {
    const fields = this.#known.get(seq);
    if (fields === undefined) return this.#none;
    return this.#names.map((name) => {
      const cell = Object.hasOwn(fields, name) ? (fields[name] ?? null) : null;
      return cell === null ? null : String(cell);
    });
  }
}

/** What does not come in the order of the tasks is passed over. */
async function* inOrder(open: Open): AsyncGenerator<{ seq: number; fields: ResultFields }> {
  let last = 0;
  const stream = await open();
  if (stream === undefined) return;
  for await (const line of boundedLines(stream, {
    most: MAX_RESULT_LINE,
    whole: true,
    bytes: MAX_RESULTS_BYTES,
  })) {
    const found = parseResultLine(line);
    if (found === undefined || found.seq <= last) continue;
    last = found.seq;
    yield found;
  }
}
