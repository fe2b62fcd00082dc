import type { NewBars, TimelineNode } from '../timeline/format.ts';

/** What the server tells of a run since it was asked last. */
interface Step {
  key: string;
  changes: { version: number; parts: Readonly<Record<string, string>> };
  bars?: NewBars;
}

/** What takes the bars of tasks, and what is new of nodes. */
export type TakeBars = (bars: NewBars | undefined, nodes: readonly TimelineNode[]) => void;

const EVERY_MS = 1000;

/** Asks once a second what has changed, and puts it in its place. @param takeBars once the drawing is there */
export function follow(source: HTMLElement, takeBars: TakeBars): void {
  const { key, lost: lostHint = '' } = source.dataset;
  let version = Number(source.dataset.version);
  let tries = Number(source.dataset.tries);
  const ask = async () => {
    const answer = await fetch(`report.html/step?version=${version}&tries=${tries}`, { cache: 'no-store' });
    if (!answer.ok) throw new Error(`answer ${answer.status}`);
    const step: Step = await answer.json();
    say('');
    if (step.key !== key) {
      location.reload();
      return;
    }
    const nodes: TimelineNode[] = [];
    for (const [id, text] of Object.entries(step.changes.parts)) {
      if (id === 'title') document.title = text;
      else if (id.startsWith('lane-')) nodes.push(JSON.parse(text));
      else put(id, text);
    }
    version = step.changes.version;
    if (step.bars !== undefined || nodes.length > 0) takeBars(step.bars, nodes);
    tries = step.bars?.tries ?? tries;
  };
  const again = () => setTimeout(look, EVERY_MS);
  const look = () => {
    ask()
      .catch(() => say(`Connection lost at ${new Date().toLocaleTimeString()}, trying again. ${lostHint}`))
      .finally(again);
  };
  again();
}

/** The first time counts: it goes on to be lost. */
function say(text: string): void {
  const place = document.getElementById('connection');
  if (place === null || (text === '') === (place.textContent === '')) return;
  place.textContent = text;
}

/** A part of the page, or a row of its own; what the reader has opened stays open, what is focused keeps the focus. */
function put(id: string, text: string): void {
  const template = document.createElement('template');
  template.innerHTML = text;
  if (id.startsWith('node-')) putRow(id, template.content);
  else {
    const place = document.getElementById(`part-${id}`);
    if (place === null) return;
    const focused = focusables(place).indexOf(document.activeElement ?? place);
    const rows = [...place.querySelectorAll('#node-rows > tr')];
    keepOpen(place, template.content);
    place.replaceChildren(template.content);
    if (rows.length > 0) document.getElementById('node-rows')?.replaceChildren(...rows);
    const again = focusables(place)[focused];
    if (again instanceof HTMLElement) again.focus({ preventScroll: true });
  }
}

function putRow(id: string, content: DocumentFragment): void {
  const before = document.getElementById(id);
  if (before !== null) before.replaceWith(content);
  else document.getElementById('node-rows')?.append(content);
}

function focusables(place: Element): Element[] {
  return [...place.querySelectorAll('a, button, input, select, summary, [tabindex]')];
}

function keepOpen(before: Element, after: DocumentFragment): void {
  const all = [...before.querySelectorAll('details')];
  for (const details of after.querySelectorAll('details')) {
    const same = all.find(({ dataset }) => dataset.key === details.dataset.key);
    if (same !== undefined) details.open = same.open;
  }
}
