import type { DecodedLanes } from '../../timeline/format.ts';
import { awayOf } from '../../timeline/format.ts';
import type { Colours } from './colours.ts';
import type { Row } from './rows.ts';
import { firstBarAfter } from './rows.ts';
import type { View } from './view.ts';

/** Where on the canvas: its context, the left edge and width of the time axis, and what is shown. */
export interface Frame {
  context: CanvasRenderingContext2D;
  left: number;
  width: number;
  view: View;
  colours: Colours;
}

const FAILED = 1;

/**
 * One row of bars. Where bars are wide enough each is a rectangle; where several share a pixel the row becomes shades of
 * how busy it was, so that a million tasks cost no more than there are pixels. Failures are drawn last, never thinner
 * than two pixels, and reach over the row's edge: they are seen at any zoom and without colour.
 */
export function paintRow(frame: Frame, lanes: DecodedLanes, row: Row, y: number): void {
  const single = row.to - row.from === 1;
  const inset = row.height > 7 ? 1 : 0.5;
  const box = { y: y + inset, height: row.height - 2 * inset };
  const busy = new Float64Array(Math.ceil(frame.width) + 1);
  const failures: Span[] = [];
  eachBar(frame, lanes, row, (bar, kind) => {
    if (kind === FAILED) failures.push(bar);
    if (single && bar.to - bar.from >= 3) paintBar(frame, bar, kind, box);
    else cover(busy, bar);
  });
  paintShades(frame, busy, row.to - row.from, box);
  frame.context.fillStyle = frame.colours.failed;
  for (const { from, to } of thinned(failures)) {
    const wide = single ? Math.max(2, to - from - edge(to - from)) : 2;
    frame.context.fillRect(frame.left + Math.min(from, frame.width - 2), y, wide, row.height);
  }
}

/** Of the time axis: pixels of a bar, milliseconds of an absence. */
interface Span {
  from: number;
  to: number;
}

interface Box {
  y: number;
  height: number;
}

/** Every bar of the row that is in view, its ends in pixels of the time axis. */
function eachBar(
  { width, view }: Frame,
  lanes: DecodedLanes,
  row: Row,
  visit: (bar: Span, kind: number) => void,
): void {
  const scale = width / (view.to - view.from);
  for (let lane = row.from; lane < row.to; lane += 1) {
    const last = lanes.first[lane + 1] ?? 0;
    for (let bar = firstBarAfter(lanes, lane, view.from); bar < last; bar += 1) {
      const start = lanes.start[bar] ?? 0;
      if (start > view.to) break;
      const end = start + (lanes.duration[bar] ?? 0);
      const from = Math.max(0, (start - view.from) * scale);
      const to = Math.min(width, (end - view.from) * scale);
      visit({ from, to }, lanes.kind[bar] ?? 0);
    }
  }
}

function paintBar(frame: Frame, { from, to }: Span, kind: number, { y, height }: Box): void {
  const { context, left, colours } = frame;
  context.fillStyle = kind === 0 ? colours.task : kind === FAILED ? colours.failed : colours.retried;
  context.fillRect(left + from, y, to - from - edge(to - from), height);
}

/** The gap that tells neighbouring bars apart. */
function edge(width: number): number {
  return width > 5 ? 1 : 0.5;
}

function cover(busy: Float64Array, { from, to }: Span): void {
  const a = Math.floor(from);
  const b = Math.min(busy.length - 1, Math.floor(to));
  if (a === b) {
    busy[a] = (busy[a] ?? 0) + to - from;
    return;
  }
  busy[a] = (busy[a] ?? 0) + a + 1 - from;
  for (let column = a + 1; column < b; column += 1) busy[column] = (busy[column] ?? 0) + 1;
  busy[b] = (busy[b] ?? 0) + to - b;
}

/** Neighbouring columns of one shade are one rectangle; 16 shades are more than an eye tells apart. */
function paintShades(
  { context, left, colours }: Frame,
  busy: Float64Array,
  slots: number,
  { y, height }: Box,
): void {
  const shadeAt = (column: number) => {
    const share = Math.min(1, (busy[column] ?? 0) / slots);
    return share <= 0 ? 0 : Math.max(1, Math.round(share * 16));
  };
  context.fillStyle = colours.task;
  for (let column = 0; column < busy.length; ) {
    const shade = shadeAt(column);
    let end = column + 1;
    while (end < busy.length && shadeAt(end) === shade) end += 1;
    if (shade > 0) {
      context.globalAlpha = 0.25 + (0.75 * shade) / 16;
      context.fillRect(left + column, y, end - column, height);
    }
    column = end;
  }
  context.globalAlpha = 1;
}

/** Of failures that share a pixel only one is drawn. */
function thinned(failures: readonly Span[]): Span[] {
  const kept: Span[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const failure of [...failures].sort((a, b) => a.from - b.from)) {
    if (failure.from - last < 1 && failure.to - failure.from < 2) continue;
    kept.push(failure);
    last = failure.from;
  }
  return kept;
}

/** Hatching where a node was not there: before it joined, after it was lost. */
export function paintAbsence(frame: Frame, row: Row, span: number, y: number): void {
  const { node, height } = row;
  const box = { y, height };
  for (const away of awayOf(node, span)) hatch(frame, away, box);
}

function hatch({ context, left, width, view, colours }: Frame, { from, to }: Span, { y, height }: Box): void {
  const scale = width / (view.to - view.from);
  const x0 = Math.max(0, (from - view.from) * scale);
  const x1 = Math.min(width, (to - view.from) * scale);
  if (x1 <= x0) return;
  context.save();
  context.beginPath();
  context.rect(left + x0, y, x1 - x0, height);
  context.clip();
  context.strokeStyle = colours.absent;
  context.lineWidth = 1;
  context.beginPath();
  // Lines start at fixed places of the canvas, so that rows below each other join to one field.
  for (let x = Math.floor((x0 - height) / 6) * 6; x < x1; x += 6) {
    context.moveTo(left + x, y + height);
    context.lineTo(left + x + height, y);
  }
  context.stroke();
  context.restore();
}
