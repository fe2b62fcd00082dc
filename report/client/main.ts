import type { PackedTasks, TasksData } from '../tasks/packed.ts';
import { appendBars } from '../timeline/append-bars.ts';
import type { TimelineData } from '../timeline/format.ts';
import { decodeLanes } from '../timeline/format.ts';
import { follow } from './follow.ts';
import { TasksTable } from './tasks/table.ts';
import { Timeline } from './timeline/timeline.ts';

/** The report's own script: draws the timeline, fills the table of tasks, and follows a run that goes on. */
async function start(): Promise<void> {
  showCommands();
  addEventListener('beforeprint', () => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
  const timeline = await drawn('timeline', drawTimeline);
  const table = await drawn('tasks', (data: TasksData, place) => fillTable(data, place, timeline));
  const followed = document.getElementById('follow');
  if (followed !== null)
    follow(followed, (bars, nodes) => {
      if (timeline === undefined) return;
      timeline.update(appendBars(timeline.known, bars && { bars, bytes: bytesOf(bars.lists) }, nodes));
      table?.update(timeline.known);
    });
}

/** What is made of a part's data in its place; where that fails the place says so. */
async function drawn<Data, Made>(
  id: string,
  make: (data: Data, place: HTMLElement) => Promise<Made>,
): Promise<Made | undefined> {
  const source = document.getElementById(`${id}-data`);
  const place = document.getElementById(id);
  if (source === null || place === null) return undefined;
  try {
    return await make(JSON.parse(source.textContent), place);
  } catch (error) {
    place.textContent = `This could not be drawn: ${error instanceof Error ? error.message : 'unknown error'}`;
    return undefined;
  }
}

async function drawTimeline(data: TimelineData, place: HTMLElement): Promise<Timeline> {
  const lanes = data.nodes.reduce((sum, node) => sum + node.lanes, 0);
  const timeline = new Timeline(data, decodeLanes(await inflated(data.lanes), lanes, data.bars), place);
  timeline.start();
  return timeline;
}

async function fillTable(
  data: TasksData,
  place: HTMLElement,
  timeline: Timeline | undefined,
): Promise<TasksTable> {
  const packed: PackedTasks = JSON.parse(new TextDecoder().decode(await inflated(data.packed)));
  const table = new TasksTable(data, packed);
  table.start(place, timeline?.known);
  return table;
}

/** By an address that is signed for this page alone no other file is had. */
function showCommands(): void {
  if (!/[?&]X-Amz-Signature=/.test(location.search)) return;
  for (const link of document.querySelectorAll<HTMLElement>('a.file')) {
    const command = document.createElement('code');
    command.textContent = link.dataset.command ?? '';
    link.replaceWith(command);
  }
}

/** Base64 and deflate undone by what every browser has since 2023. */
async function inflated(base64: string): Promise<Uint8Array> {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

start();
