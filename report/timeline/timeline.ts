import { deflateRawSync } from 'node:zlib';
import { visibleText } from '../../experiment/text/visible-text.ts';
import type { ReportInput } from '../page/input.ts';
import { shortened } from '../page/short-text.ts';
import { Endings } from './endings.ts';
import type { TimelineData, TimelineNode } from './format.ts';
import { encodeLanes } from './format.ts';
import type { NodeLanes } from './lanes.ts';
import { arrangeLanes } from './lanes.ts';
import { Tries } from './tries.ts';

/** The run's tasks as the page's script takes them; undefined where no task ever ended and no node ever came. */
export function timelineData({ tasks, nodes, open = [], live }: ReportInput): TimelineData | undefined {
  const found = spanOf({ tasks, nodes, open });
  if (found === undefined) return undefined;
  const from = live?.origin ?? found.from;
  const span = { from, to: Math.max(from, found.to) };
  const endings = new Endings();
  const tries = new Tries({ tasks, open }, span.from, endings);
  const arranged = arrangeLanes({ tasks, nodes, open }, tries);
  const bytes = encodeLanes(allBars(arranged, tries));
  return {
    origin: span.from,
    span: Math.max(1, span.to - span.from),
    bars: tasks.tries.size + open.length,
    nodes: arranged.map((node) => describeNode(node, span.from)),
    endings: endings.words(),
    commands: shownCommands(tasks.commands),
    lanes: deflateRawSync(bytes).toString('base64'),
  };
}

function* allBars(nodes: readonly NodeLanes[], tries: Tries) {
  for (const { lanes } of nodes) for (const lane of lanes) yield lane.map((place) => tries.bar(place));
}

/** From the first to the last that is known of tasks and nodes; milliseconds since the epoch. */
export function spanOf({
  tasks,
  nodes,
  open = [],
}: Pick<ReportInput, 'tasks' | 'nodes' | 'open'>): { from: number; to: number } | undefined {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  const widen = (start: number, end: number) => {
    from = Math.min(from, start);
    to = Math.max(to, end);
  };
  const { tries } = tasks;
  for (let at = 0; at < tries.size; at += 1) {
    const start = (tries.start[at] ?? 0) * 1000;
    widen(start, start + (tries.runtime[at] ?? 0) * 1000);
  }
  for (const { startedAt, endedAt } of open) widen(Date.parse(startedAt), Date.parse(endedAt));
  for (const { joinedAt, lostAt } of nodes) {
    for (const time of [joinedAt, lostAt]) {
      const at = time === undefined ? Number.NaN : Date.parse(time);
      if (Number.isFinite(at)) widen(at, at);
    }
  }
  return to === Number.NEGATIVE_INFINITY ? undefined : { from: Math.floor(from), to: Math.ceil(to) };
}

/** @param origin milliseconds since the epoch */
export function describeNode({ name, address, record, lanes }: NodeLanes, origin: number): TimelineNode {
  const after = (time: string | undefined) => {
    const at = time === undefined ? Number.NaN : Date.parse(time);
    return Number.isFinite(at) ? Math.max(0, at - origin) : undefined;
  };
  const joined = after(record?.joinedAt);
  const lost = after(record?.lostAt);
  return {
    name: visibleText(name),
    address: visibleText(address),
    lanes: lanes.length,
    slots: record?.slots ?? lanes.length,
    state: record?.state ?? 'unknown',
    ...(joined === undefined ? {} : { joined }),
    ...(lost === undefined ? {} : { lost }),
  };
}

/** Half a megabyte of commands at most: the rest is in the joblog. */
const COMMAND_CHARACTERS = 512 * 1024;

function shownCommands(commands: ReadonlyMap<number, string>): Record<string, string> {
  const shown: Record<string, string> = {};
  let left = COMMAND_CHARACTERS;
  for (const [seq, command] of commands) {
    const text = shortened(visibleText(command), 400);
    left -= text.length;
    if (left < 0) break;
    shown[seq] = text;
  }
  return shown;
}
