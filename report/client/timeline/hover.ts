import type { DecodedLanes, TimelineData } from '../../timeline/format.ts';
import type { Row } from './rows.ts';
import { firstBarAfter } from './rows.ts';
import { duration, offset } from './view.ts';

/** Where the pointer is on the time axis, and how many milliseconds a pixel is wide there. */
interface Pointer {
  time: number;
  pixel: number;
}

/** What is under the pointer, a line each: the task, or that nothing ran there and why. */
export function hoverText(data: TimelineData, lanes: DecodedLanes, row: Row, pointer: Pointer): string[] {
  const bars = barsNear(lanes, row, pointer);
  const place = `${row.node.name}${row.to - row.from === 1 && row.node.lanes > 1 ? `, slot ${slotOf(data, row)}` : ''}`;
  const [only] = bars;
  if (only === undefined) return [place, idleBecause(row, pointer.time)];
  if (bars.length > 1) return severalTasks(lanes, bars, place, row);
  const seq = lanes.seq[only] ?? 0;
  const start = lanes.start[only] ?? 0;
  const command = data.commands[seq];
  return [
    `Task ${seq.toLocaleString('en')} · ${ending(data, lanes, only)}`,
    `${duration(lanes.duration[only] ?? 0)}, from ${offset(start, 1)} (${new Date(data.origin + start).toISOString().slice(11, 19)} UTC)`,
    `${place}${row.node.address === '' ? '' : ` · ${row.node.address}`}`,
    ...(command === undefined ? [] : [command]),
  ];
}

function barsNear(lanes: DecodedLanes, row: Row, { time, pixel }: Pointer): number[] {
  const found: number[] = [];
  for (let lane = row.from; lane < row.to; lane += 1) {
    const last = lanes.first[lane + 1] ?? 0;
    for (let bar = firstBarAfter(lanes, lane, time - pixel); bar < last; bar += 1) {
      if ((lanes.start[bar] ?? 0) > time + pixel) break;
      found.push(bar);
    }
  }
  const exact = found.filter((bar) => {
    const start = lanes.start[bar] ?? 0;
    return start <= time && time <= start + (lanes.duration[bar] ?? 0);
  });
  return exact.length === 1 ? exact : found;
}

function severalTasks(lanes: DecodedLanes, bars: readonly number[], place: string, row: Row): string[] {
  const failed = bars.filter((bar) => lanes.kind[bar] === 1);
  return [
    `${bars.length.toLocaleString('en')} tasks here${failed.length === 0 ? '' : `, ${failed.length} failed`}`,
    ...(failed.length === 0
      ? []
      : [
          `failed: ${failed
            .slice(0, 5)
            .map((bar) => lanes.seq[bar])
            .join(', ')}${failed.length > 5 ? ', …' : ''}`,
        ]),
    `${place} · ${row.to - row.from > 1 ? '“By slot” shows them apart' : 'zoom in to see each'}`,
  ];
}

function ending({ endings }: TimelineData, lanes: DecodedLanes, bar: number): string {
  const kind = lanes.kind[bar];
  if (kind === 0) return 'succeeded';
  const words = endings[lanes.ending[bar] ?? 0] ?? '';
  if (kind === 3) return words;
  return kind === 1 ? `failed, ${words}` : `tried again after ${words}`;
}

function idleBecause({ node }: Row, time: number): string {
  if (time < (node.attempt ?? 0)) return 'idle';
  if (node.state === 'never-came') return 'never came';
  if (node.joined !== undefined && time < node.joined) return 'not joined yet';
  if (node.lost !== undefined && time > node.lost) return `lost at ${offset(node.lost, 1000)}`;
  return 'idle';
}

function slotOf({ nodes }: TimelineData, row: Row): number {
  let lane = 0;
  for (const node of nodes) {
    if (node === row.node) return row.from - lane + 1;
    lane += node.lanes;
  }
  return 1;
}
