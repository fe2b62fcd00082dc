/**
 * The script of the page of runs: searches and sorts its table, shows times as the reader's clock has them, and where it is
 * asked to, fetches the page again and shows what is new.
 */

type Kind = 'text' | 'number' | 'time';

interface Order {
  column: number;
  descending: boolean;
}

function start(): void {
  const table = document.querySelector('table');
  const refresh = Number(document.getElementById('refresh')?.dataset.seconds);
  if (table !== null) {
    makeSortable(table);
    choose = searchable(table);
    localTimes(table);
    const zone = document.getElementById('zone');
    if (zone !== null) zone.textContent = 'Times are those of this browser’s clock.';
  }
  if (refresh > 0) follow(refresh * 1000);
}

let choose = (): void => undefined;

/** A field that looks into all that a row says, and the states that there are. @returns applies both again */
function searchable(table: HTMLTableElement): () => void {
  const bar = document.createElement('div');
  bar.className = 'toolbar';
  const search = document.createElement('input');
  search.type = 'search';
  search.placeholder = 'Search';
  search.setAttribute('aria-label', 'Search runs');
  const state = document.createElement('select');
  state.setAttribute('aria-label', 'Which runs');
  state.append(...['all runs', 'under way', ...ENDS].map((name) => new Option(name)));
  bar.append(search, state);
  (table.closest('.scroll') ?? table).before(bar);
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    for (const row of table.tBodies[0]?.rows ?? []) {
      const text = row.textContent.toLowerCase();
      row.hidden = !isOf(state.value, row) || !words.every((word) => text.includes(word));
    }
  };
  search.addEventListener('input', apply);
  state.addEventListener('change', apply);
  return apply;
}

const ENDS = ['succeeded', 'failed', 'cancelled', 'timed-out'];

function isOf(wanted: string, row: HTMLTableRowElement): boolean {
  const state = row.querySelector<HTMLElement>('.state')?.dataset.value ?? '';
  return wanted === 'all runs' || (wanted === 'under way' ? !ENDS.includes(state) : state === wanted);
}

function localTimes(table: HTMLTableElement): void {
  for (const cell of table.querySelectorAll<HTMLElement>('td.when')) {
    const at = new Date(cell.dataset.value ?? '');
    if (Number.isNaN(at.getTime())) continue;
    cell.title = cell.textContent;
    cell.textContent = at.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
  }
}

/** A button in each heading; the heading says in which order the rows are, for readers that cannot see the arrow. */
function makeSortable(table: HTMLTableElement): void {
  const headings = [...table.querySelectorAll('th')];
  headings.forEach((heading, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sort';
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener('click', () => {
      const order = heading.ariaSort;
      const descending = order === null ? kindOf(heading) !== 'text' : order === 'ascending';
      for (const other of headings) other.ariaSort = null;
      heading.ariaSort = descending ? 'descending' : 'ascending';
      sort(table, { column, descending });
    });
  });
}

function kindOf(heading: HTMLElement): Kind {
  const kind = heading.dataset.sort;
  return kind === 'number' || kind === 'time' ? kind : 'text';
}

/** Rows without a value come last either way. */
function sort(table: HTMLTableElement, { column, descending }: Order): void {
  const body = table.tBodies[0];
  const heading = table.querySelectorAll('th')[column];
  if (body === undefined || heading === undefined) return;
  const numeric = kindOf(heading) === 'number';
  const sign = descending ? -1 : 1;
  const keyed = [...body.rows].map((row) => ({ row, value: row.cells[column]?.dataset.value ?? '' }));
  keyed.sort((a, b) => {
    if (a.value === '' || b.value === '') return Number(a.value === '') - Number(b.value === '');
    return (
      sign *
      (numeric ? Number(a.value) - Number(b.value) : a.value < b.value ? -1 : Number(a.value > b.value))
    );
  });
  body.replaceChildren(...keyed.map(({ row }) => row));
}

/** Asks again when the last answer has come, so that a slow server is not asked more than it can answer. */
function follow(milliseconds: number): void {
  const again = () => setTimeout(look, milliseconds);
  const look = () => {
    if (document.hidden) return again();
    return fetch(location.href, { cache: 'no-store' })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(`answer ${answer.status}`))))
      .then(show)
      .catch(() => {
        document.title = 'Runs (not reached)';
      })
      .finally(again);
  };
  again();
}

/** Puts the new page's rows and sentence into this one; order, focus and place stay as the reader left them. */
function show(text: string): void {
  const fresh = new DOMParser().parseFromString(text, 'text/html');
  const table = document.querySelector('table');
  const freshTable = fresh.querySelector('table');
  if (table === null || freshTable === null) {
    if (table !== freshTable) location.reload();
    return;
  }
  document.title = fresh.title;
  const note = document.querySelector('header .note');
  const freshNote = fresh.querySelector('header .note');
  if (note !== null && freshNote !== null) note.replaceWith(freshNote);
  const focused = document.activeElement?.closest('tr')?.id;
  const body = table.tBodies[0];
  const freshBody = freshTable.tBodies[0];
  if (body === undefined || freshBody === undefined) return;
  body.replaceChildren(...freshBody.rows);
  localTimes(table);
  choose();
  const headings = [...table.querySelectorAll('th')];
  const column = headings.findIndex((heading) => heading.ariaSort !== null);
  if (column !== -1) sort(table, { column, descending: headings[column]?.ariaSort === 'descending' });
  if (focused !== undefined && focused !== '') document.getElementById(focused)?.querySelector('a')?.focus();
}

start();
