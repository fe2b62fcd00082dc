import type { Frame } from './paint.ts';
import type { View } from './view.ts';

/** How busy the slots were over the whole run, with what is shown below marked. */
export function paintOverview(frame: Frame, share: Float64Array, shown: View, height: number): void {
  const { context, left, width, view, colours } = frame;
  const top = 14;
  const floor = height - 6;
  context.fillStyle = colours.faint;
  context.fillRect(left, top, width, floor - top);
  context.fillStyle = colours.task;
  context.beginPath();
  context.moveTo(left, floor);
  share.forEach((value, at) => {
    const y = floor - value * (floor - top);
    context.lineTo(left + (at / share.length) * width, y);
    context.lineTo(left + ((at + 1) / share.length) * width, y);
  });
  context.lineTo(left + width, floor);
  context.fill();
  context.fillStyle = colours.muted;
  context.font = `11px ${colours.font}`;
  context.textBaseline = 'top';
  context.textAlign = 'left';
  context.fillText('share of slots at work', left, 0);
  context.textAlign = 'right';
  context.fillText('100 %', left - 8, top - 1);
  context.textBaseline = 'bottom';
  context.fillText('0', left - 8, floor + 2);
  const x0 = left + (shown.from / view.to) * width;
  const x1 = left + (shown.to / view.to) * width;
  context.fillStyle = colours.paper;
  context.globalAlpha = 0.72;
  context.fillRect(left, top, x0 - left, floor - top);
  context.fillRect(x1, top, left + width - x1, floor - top);
  context.globalAlpha = 1;
  context.strokeStyle = colours.text;
  context.lineWidth = 1;
  if (x1 - x0 < width - 1) context.strokeRect(x0 + 0.5, top + 0.5, Math.max(2, x1 - x0 - 1), floor - top - 1);
}
