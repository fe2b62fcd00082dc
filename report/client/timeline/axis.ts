import type { Frame } from './paint.ts';
import type { Row, Rows } from './rows.ts';
import { offset, tickStep } from './view.ts';

/** Height of the time axis above the rows. */
export const AXIS = 22;

/** Ticks with the time since the start of the run, and faint lines down through the rows. */
export function paintAxis({ context, left, width, view, colours }: Frame, height: number): void {
  const step = tickStep(view, width, 90);
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, left + width + 8, AXIS - 2);
  context.fillStyle = colours.muted;
  context.font = `11px ${colours.font}`;
  context.textAlign = 'left';
  context.textBaseline = 'top';
  for (let time = Math.ceil(view.from / step) * step; time <= view.to; time += step) {
    const x = Math.round(left + ((time - view.from) / (view.to - view.from)) * width);
    context.globalAlpha = 0.5;
    context.fillRect(x, AXIS - 6, 1, 4);
    context.globalAlpha = 0.12;
    context.fillRect(x, AXIS, 1, height);
    context.globalAlpha = 1;
    const label = offset(time, step);
    if (x + context.measureText(label).width <= left + width + 8) context.fillText(label, x, 2);
  }
}

/** The node's name beside the first of its rows; a cross says without colour that it was lost. */
export function paintName({ context, left, colours }: Frame, row: Row, { byNode }: Rows, y: number): void {
  const gone = row.node.state === 'lost' || row.node.state === 'never-came';
  context.fillStyle = gone ? colours.failed : colours.muted;
  context.font = `11px ${colours.font}`;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  const band = byNode ? row.height : Math.min(row.node.lanes * row.height, 18);
  context.fillText(`${row.node.name}${gone ? ' ✕' : ''}`, left - 8, y + band / 2, left - 10);
}
