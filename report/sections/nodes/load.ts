import type { Load } from '../../../experiment/records/load.ts';
import { percent } from '../../../experiment/text/numbers.ts';
import type { Markup } from '../../page/html.ts';
import { html, trustedMarkup } from '../../page/html.ts';

const FIGURES = ['cpu', 'memory', 'disk'] as const;
type Points = Load['nodes'][number]['cpu'];

/** How high a line of load is drawn. */
const LEVELS = 16;
/** So many nodes have lines of many steps; more have short ones, which keep the page small. */
const FEW = 40;
const STEPS = { few: 120, many: 30 };

/** Headings of the columns of load. */
export const LOAD_HEADINGS = html`<th>CPU</th><th>Memory</th><th>Disk</th>`;

/** The load of each node over the whole attempt, a cell a figure, by the node's index. */
export function loadCells(load: Load | undefined): (node: number) => Markup[] {
  if (load === undefined) return () => [];
  const length = Math.max(1, ...load.nodes.flatMap((node) => FIGURES.map((figure) => node[figure].length)));
  const steps = Math.min(length, load.nodes.length > FEW ? STEPS.many : STEPS.few);
  const ofNode = new Map(load.nodes.map((node) => [node.node, node]));
  return (index) => {
    const node = ofNode.get(index);
    return FIGURES.map((figure) => html`<td class="load">${line(node?.[figure] ?? [], length, steps)}</td>`);
  };
}

/** Each step is the mean of its points, with a gap where nothing was heard. */
function line(points: Points, length: number, steps: number): Markup | string {
  const heard = points.filter((point) => point !== null);
  if (heard.length === 0) return '–';
  const mean = heard.reduce((sum, point) => sum + point, 0) / heard.length;
  const most = heard.reduce((high, point) => Math.max(high, point), 0);
  let path = `M0 ${LEVELS}`;
  let level = LEVELS;
  let run = 0;
  for (let step = 0; step < steps; step += 1) {
    const of = points.slice(Math.floor((step * length) / steps), Math.floor(((step + 1) * length) / steps));
    const known = of.filter((point) => point !== null);
    const share = known.reduce((sum, point) => sum + point, 0) / Math.max(1, known.length);
    const next = LEVELS - Math.round(share * LEVELS);
    if (next !== level) path += `${run > 0 ? `h${run}` : ''}V${next}`;
    run = next === level ? run + 1 : 1;
    level = next;
  }
  const said = `mean ${percent(mean)}, most ${percent(most)}`;
  return html`<svg viewBox="0 0 ${steps} ${LEVELS}" preserveAspectRatio="none" role="img" aria-label="${said}"><title>${said}</title><path class="k-task" d="${trustedMarkup(`${path}h${run}V${LEVELS}z`)}"/></svg>`;
}
