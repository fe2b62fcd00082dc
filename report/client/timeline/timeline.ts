import type { DecodedLanes, TimelineData } from '../../timeline/format.ts';
import { AXIS, paintAxis, paintName } from './axis.ts';
import { busyShare } from './busy-share.ts';
import type { Colours } from './colours.ts';
import { readColours } from './colours.ts';
import { drag, steer, toolbar } from './controls.ts';
import { hoverText } from './hover.ts';
import { paintOverview } from './overview.ts';
import type { Frame } from './paint.ts';
import { paintAbsence, paintRow } from './paint.ts';
import type { Rows } from './rows.ts';
import { layOut } from './rows.ts';
import { Tip } from './tip.ts';
import type { View } from './view.ts';
import { moved, zoomed } from './view.ts';

const OVERVIEW = 56;
const TALLEST = 800;
/** More rows than this are drawn by node only. */
const MAX_LANES = 4096;

/**
 * The timeline: above, how busy the slots were over the whole run, which is also where the shown part is chosen; below,
 * a row for each slot (or node). The canvas stays as large as what is seen and is drawn again on scrolling.
 */
export class Timeline {
  #data: TimelineData;
  #lanes: DecodedLanes;
  readonly #place: HTMLElement;
  readonly #overview = document.createElement('canvas');
  readonly #scroller = document.createElement('div');
  readonly #tall = document.createElement('div');
  readonly #canvas = document.createElement('canvas');
  /** Which nodes are shown, where there are more than there is room for. */
  readonly #shownNodes = document.createElement('p');
  readonly #tip = new Tip();
  #share: Float64Array;
  #view: View;
  #rows: Rows;
  #colours: Colours;
  #drawing = 0;

  constructor(data: TimelineData, lanes: DecodedLanes, place: HTMLElement) {
    this.#data = data;
    this.#lanes = lanes;
    this.#place = place;
    this.#view = { from: 0, to: data.span };
    this.#rows = layOut(data, undefined);
    this.#colours = readColours(place);
    this.#share = shareOf(data, lanes);
  }

  get known(): { data: TimelineData; lanes: DecodedLanes } {
    return { data: this.#data, lanes: this.#lanes };
  }

  /** What has become known meanwhile; who looks at a part of it goes on to do so. */
  update({ data, lanes }: { data: TimelineData; lanes: DecodedLanes }): void {
    const isWhole = this.#shown() >= this.#data.span;
    const { byNode } = this.#rows;
    const wasChosen = byNode !== layOut(this.#data, undefined).byNode;
    this.#data = data;
    this.#lanes = lanes;
    this.#share = shareOf(data, lanes);
    this.#rows = layOut(data, wasChosen ? byNode : undefined);
    if (isWhole) this.#view = { from: 0, to: data.span };
    this.#resize();
    this.#draw();
  }

  /** Builds the elements, draws once, and from then on when something changes. */
  start(): void {
    this.#build();
    this.#listen();
    this.#resize();
    this.#drawNow();
  }

  #build(): void {
    this.#overview.className = 'overview';
    this.#scroller.className = 'scroller';
    this.#tall.className = 'tall';
    this.#canvas.tabIndex = 0;
    this.#canvas.setAttribute('role', 'img');
    this.#canvas.setAttribute(
      'aria-label',
      'Timeline of tasks on each node. Plus and minus zoom, arrow keys move, 0 shows the whole run. The tables below hold the same facts.',
    );
    this.#overview.setAttribute('aria-hidden', 'true');
    this.#tall.append(this.#canvas);
    this.#scroller.append(this.#tall);
    const buttons = toolbar(
      this.#commands(),
      this.#hasChoice() ? () => (this.#rows.byNode ? 'By slot' : 'By node') : undefined,
    );
    this.#shownNodes.className = 'note shown-nodes';
    this.#place.replaceChildren(buttons, this.#overview, this.#scroller, this.#shownNodes, this.#tip.element);
  }

  #commands() {
    return {
      zoom: (factor: number, pointer?: MouseEvent) => {
        const center = pointer === undefined ? (this.#view.from + this.#view.to) / 2 : this.#timeAt(pointer);
        this.#show(zoomed(this.#view, this.#data.span, factor, center));
      },
      whole: () => this.#show({ from: 0, to: this.#data.span }),
      move: (share: number) => this.#show(moved(this.#view, this.#data.span, share * this.#shown())),
      pan: (pixels: number) =>
        this.#show(moved(this.#view, this.#data.span, (pixels * this.#shown()) / this.#axis().width)),
      toggleRows: () => {
        this.#rows = layOut(this.#data, !this.#rows.byNode);
        this.#resize();
        this.#draw();
      },
    };
  }

  #hasChoice(): boolean {
    const lanes = this.#data.nodes.reduce((sum, node) => sum + node.lanes, 0);
    return lanes > this.#data.nodes.length && lanes <= MAX_LANES;
  }

  #listen(): void {
    steer(this.#canvas, this.#commands());
    drag(this.#overview, (event) => {
      const { left, width } = this.#axis();
      const time = ((event.offsetX - left) / width) * this.#data.span;
      const half = this.#shown() / 2;
      this.#show(moved({ from: time - half, to: time + half }, this.#data.span, 0));
    });
    this.#canvas.addEventListener('pointermove', (event) => this.#hover(event));
    this.#canvas.addEventListener('pointerleave', () => this.#tip.hide());
    this.#scroller.addEventListener('scroll', () => this.#draw());
    addEventListener('resize', () => {
      this.#resize();
      this.#draw();
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#recolour());
    addEventListener('beforeprint', () => this.#print(true));
    addEventListener('afterprint', () => this.#print(false));
  }

  #print(printing: boolean): void {
    document.documentElement.classList.toggle('printing', printing);
    this.#recolour();
  }

  #recolour(): void {
    this.#colours = readColours(this.#place);
    this.#drawNow();
  }

  #show(view: View): void {
    this.#view = view;
    this.#draw();
  }

  #shown(): number {
    return this.#view.to - this.#view.from;
  }

  #timeAt(event: MouseEvent): number {
    const { left, width } = this.#axis();
    return this.#view.from + ((event.offsetX - left) / width) * this.#shown();
  }

  #hover(event: PointerEvent): void {
    const y = event.offsetY - AXIS + this.#scroller.scrollTop;
    const row = this.#rows.rows.find((one) => y >= one.y && y < one.y + one.height);
    const { left, width } = this.#axis();
    if (row === undefined || event.offsetX < left || event.buttons !== 0) {
      this.#tip.hide();
      return;
    }
    const text = hoverText(this.#data, this.#lanes, row, {
      time: this.#timeAt(event),
      pixel: this.#shown() / width,
    });
    this.#tip.show(text, event, this.#place);
  }

  #axis(): { left: number; width: number } {
    const left = this.#place.clientWidth < 520 ? 52 : 76;
    return { left, width: Math.max(50, this.#place.clientWidth - left - 8) };
  }

  #resize(): void {
    const shown = Math.min(TALLEST, this.#rows.height + AXIS);
    this.#scroller.style.height = `${shown}px`;
    this.#tall.style.height = `${this.#rows.height + AXIS}px`;
    size(this.#overview, this.#place.clientWidth, OVERVIEW);
    size(this.#canvas, this.#scroller.clientWidth, shown);
  }

  #draw(): void {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = requestAnimationFrame(() => this.#drawNow());
  }

  #drawNow(): void {
    const overview = this.#frame(this.#overview, { from: 0, to: this.#data.span });
    const frame = this.#frame(this.#canvas, this.#view);
    if (frame === undefined || overview === undefined) return;
    paintOverview(overview, this.#share, this.#view, OVERVIEW);
    const height = this.#scroller.clientHeight;
    for (const row of this.#rows.rows) {
      const y = row.y - this.#scroller.scrollTop + AXIS;
      if (y + row.height < AXIS || y > height) continue;
      frame.context.fillStyle = this.#colours.faint;
      frame.context.fillRect(frame.left, y + 0.5, frame.width, row.height - 1);
      paintAbsence(frame, row, this.#data.span, y);
      paintRow(frame, this.#lanes, row, y);
      if (row.first) paintName(frame, row, this.#rows, y);
    }
    paintAxis(frame, height);
    this.#tellShown(height);
  }

  #tellShown(height: number): void {
    const top = this.#scroller.scrollTop;
    const middle = (row: { y: number; height: number }) => row.y + row.height / 2;
    const rows = this.#rows.rows.filter((row) => middle(row) >= top && middle(row) <= top + height - AXIS);
    const [first, last] = [rows[0]?.node.name, rows.at(-1)?.node.name];
    if (this.#rows.height + AXIS <= height || first === undefined || last === undefined) {
      this.#shownNodes.replaceChildren();
      return;
    }
    const byHand = document.createElement('span');
    byHand.className = 'by-hand';
    byHand.textContent = ' The others come by scrolling.';
    this.#shownNodes.replaceChildren(
      `Shown: ${first} to ${last}, of ${this.#data.nodes.length} nodes.`,
      byHand,
    );
  }

  #frame(canvas: HTMLCanvasElement, view: View): Frame | undefined {
    const context = canvas.getContext('2d');
    if (context === null) return undefined;
    const density = canvas.width / Math.max(1, canvas.clientWidth);
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    return { context, ...this.#axis(), view, colours: this.#colours };
  }
}

function shareOf({ nodes, span }: TimelineData, lanes: DecodedLanes): Float64Array {
  const slots = nodes.reduce((sum, node) => sum + node.slots, 0);
  return busyShare(lanes, span, slots, Math.min(600, Math.max(60, span)));
}

/** At least two pixels for each of the page's, so that print and zoom stay sharp. */
function size(canvas: HTMLCanvasElement, width: number, height: number): void {
  const density = Math.min(3, Math.max(2, devicePixelRatio));
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
}
