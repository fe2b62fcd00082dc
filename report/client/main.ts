import { appendBars } from '../timeline/append-bars.ts';
import type { TimelineData } from '../timeline/format.ts';
import { decodeLanes } from '../timeline/format.ts';
import { follow } from './follow.ts';
import { Timeline } from './timeline/timeline.ts';

/** The report's own script: draws the timeline and opens everything for print. The page is complete without it. */
function start(): void {
  const source = document.getElementById('timeline-data');
  const place = document.getElementById('timeline');
  let drawn: Promise<Timeline | undefined> = Promise.resolve(undefined);
  if (source !== null && place !== null) {
    drawn = draw(JSON.parse(source.textContent), place).catch((error: unknown) => {
      place.textContent = `The timeline could not be drawn: ${error instanceof Error ? error.message : 'unknown error'}`;
      return undefined;
    });
  }
  const followed = document.getElementById('follow');
  if (followed !== null)
    follow(followed, async (bars, nodes) => {
      const timeline = await drawn;
      if (timeline === undefined) return;
      const fresh = bars && { bars, bytes: bytesOf(bars.lists) };
      timeline.update(appendBars(timeline.known, fresh, nodes));
    });
  // By an address that is signed for this page alone no other file is had.
  if (/[?&]X-Amz-Signature=/.test(location.search))
    for (const link of document.querySelectorAll<HTMLElement>('a.file')) {
      const command = document.createElement('code');
      command.textContent = link.dataset.command ?? '';
      link.replaceWith(command);
    }
  addEventListener('beforeprint', () => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
}

async function draw(data: TimelineData, place: HTMLElement): Promise<Timeline> {
  const lanes = data.nodes.reduce((sum, node) => sum + node.lanes, 0);
  const timeline = new Timeline(data, decodeLanes(await inflated(data.lanes), lanes, data.bars), place);
  timeline.start();
  return timeline;
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
