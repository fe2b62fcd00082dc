import type { PackedTasks, TasksData } from '../../tasks/packed.ts';
import type { KnownBars } from '../../timeline/append-bars.ts';
import { ENDS, parseQuery } from './query.ts';
import type { TaskRow } from './task-rows.ts';
import { columnsOf, inOrder, rowsOf } from './task-rows.ts';

/** Height of a row in pixels, as the style sheet has it. */
const ROW = 32;
/** Rows beyond those in sight, so that scrolling shows no gap. */
const BEYOND = 12;
const NUMBERS = new Set(['task', 'node', 'seconds', 'tries']);
const WIDEST = 42;

/** The table of tasks: search, choice and order; of its rows only those in sight are elements. */
export class TasksTable {
  readonly #data: TasksData;
  readonly #packed: PackedTasks;
  readonly #columns: readonly string[];
  readonly #search = element('input', { type: 'search', placeholder: 'Search, or seconds>10' });
  readonly #ends = document.createElement('select');
  readonly #said = element('p', { className: 'note', role: 'status' });
  readonly #scroller = element('div', { className: 'scroll', tabIndex: 0, role: 'region' });
  readonly #table = document.createElement('table');
  readonly #headings: HTMLTableCellElement[];
  readonly #body = document.createElement('tbody');
  #rows: TaskRow[] = [];
  #shown: readonly TaskRow[] = [];
  #order = { column: 'task', descending: false };
  #drawing = 0;
  #first = -1;

  constructor(data: TasksData, packed: PackedTasks) {
    this.#data = data;
    this.#packed = packed;
    this.#columns = columnsOf(packed);
    this.#headings = this.#columns.map((name) => this.#heading(name));
  }

  start(place: HTMLElement, known: KnownBars | undefined): void {
    this.#search.setAttribute('aria-label', 'Search tasks');
    this.#ends.setAttribute('aria-label', 'Which tasks');
    for (const name of Object.keys(ENDS)) this.#ends.add(new Option(name));
    this.#scroller.setAttribute('aria-label', 'Tasks');
    const bar = element('div', { className: 'toolbar' });
    bar.append(this.#search, this.#ends);
    const head = document.createElement('thead');
    head.insertRow().append(...this.#headings);
    this.#table.append(head, this.#body);
    this.#scroller.append(this.#table);
    place.replaceChildren(bar, this.#said, this.#scroller);
    this.#search.addEventListener('input', () => this.#choose());
    this.#ends.addEventListener('change', () => this.#choose());
    this.#scroller.addEventListener('scroll', () => this.#draw());
    addEventListener('resize', () => this.#draw());
    this.update(known);
    this.#widen(head);
  }

  /** What has become known meanwhile; question, order and place stay. */
  update(known: KnownBars | undefined): void {
    this.#rows = rowsOf(this.#data, this.#packed, known);
    this.#choose();
  }

  #heading(name: string): HTMLTableCellElement {
    const heading = element('th', { scope: 'col', className: NUMBERS.has(name) ? 'number' : '' });
    const button = element('button', { type: 'button', className: 'sort', textContent: name });
    heading.append(button);
    button.addEventListener('click', () => {
      const { column, descending } = this.#order;
      this.#order = { column: name, descending: column === name ? !descending : name === 'seconds' };
      this.#choose();
    });
    return heading;
  }

  /** Widths that hold while other rows scroll by. */
  #widen(head: HTMLTableSectionElement): void {
    const columns = document.createElement('colgroup');
    for (const name of this.#columns) {
      const longest = this.#rows
        .slice(0, 2000)
        .reduce((most, { cells }) => Math.max(most, cells[name]?.length ?? 0), name.length + 2);
      const least = name === 'end' ? 14 : 4;
      const column = document.createElement('col');
      column.style.width = `${Math.min(WIDEST, Math.max(least, longest)) + 2}ch`;
      columns.append(column);
    }
    head.before(columns);
  }

  #choose(): void {
    const { keeps, wrong } = parseQuery(this.#search.value, this.#columns);
    const isChosen = ENDS[this.#ends.value] ?? (() => true);
    const { column, descending } = this.#order;
    const shown = this.#rows.filter((row) => isChosen(row) && keeps(row.cells));
    this.#shown = shown.sort(inOrder(column, descending));
    this.#headings.forEach((heading, at) => {
      heading.ariaSort = this.#columns[at] === column ? (descending ? 'descending' : 'ascending') : null;
    });
    const count = `${shown.length.toLocaleString('en')} of ${this.#rows.length.toLocaleString('en')} ${this.#rows.length === 1 ? 'task' : 'tasks'}`;
    this.#said.textContent = wrong === '' ? count : `${count} (as text: ${wrong})`;
    this.#table.setAttribute('aria-rowcount', String(shown.length + 1));
    this.#first = -1;
    this.#draw();
  }

  #draw(): void {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = requestAnimationFrame(() => this.#drawNow());
  }

  #drawNow(): void {
    const { scrollTop, clientHeight } = this.#scroller;
    const inSight = Math.ceil(clientHeight / ROW);
    // Fewer rows than before may be shown, and the scroller may not know it yet.
    const top = Math.min(Math.floor(scrollTop / ROW), this.#shown.length - inSight);
    const first = Math.max(0, top - BEYOND);
    if (first === this.#first) return;
    this.#first = first;
    const last = Math.min(this.#shown.length, first + inSight + 2 * BEYOND);
    const rows = this.#shown.slice(first, last).map((row, at) => this.#row(row, first + at));
    const below = this.#shown.length - first - rows.length;
    this.#body.replaceChildren(...gap(first), ...rows, ...gap(below));
  }

  #row({ seq, isBad, cells }: TaskRow, place: number): HTMLTableRowElement {
    const row = document.createElement('tr');
    row.setAttribute('aria-rowindex', String(place + 2));
    for (const name of this.#columns) {
      const cell = row.insertCell();
      const text = cells[name] ?? '';
      if (NUMBERS.has(name)) cell.className = 'number';
      if (name === 'end' && isBad) cell.className = 'bad';
      if (name === 'end' && isBad && this.#data.kept.includes(seq))
        cell.append(element('a', { href: `./logs/tasks/${seq}.err`, textContent: text }));
      else cell.textContent = name === 'seconds' && text !== '' ? Number(text).toFixed(2) : text;
      cell.title = text;
    }
    return row;
  }
}

function gap(rows: number): HTMLElement[] {
  if (rows === 0) return [];
  const row = document.createElement('tr');
  row.setAttribute('aria-hidden', 'true');
  row.className = 'gap';
  row.style.height = `${rows * ROW}px`;
  return [row];
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]>,
): HTMLElementTagNameMap[Name] {
  return Object.assign(document.createElement(name), properties);
}
