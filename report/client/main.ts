import type { TimelineData } from '../timeline/format.ts';
import { decodeLanes } from '../timeline/format.ts';
import { Timeline } from './timeline/timeline.ts';

/** The report's own script: draws the timeline and opens everything for print. The page is complete without it. */
function start(): void {
  const source = document.getElementById('timeline-data');
  const place = document.getElementById('timeline');
  if (source !== null && place !== null) {
    draw(JSON.parse(source.textContent), place).catch((error: unknown) => {
      place.textContent = `The timeline could not be drawn: ${error instanceof Error ? error.message : 'unknown error'}`;
    });
  }
  addEventListener('beforeprint', () => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
}

async function draw(data: TimelineData, place: HTMLElement): Promise<void> {
  const lanes = data.nodes.reduce((sum, node) => sum + node.lanes, 0);
  new Timeline(data, decodeLanes(await inflated(data.lanes), lanes, data.bars), place).start();
}

/** Base64 and deflate undone by what every browser has since 2023. */
async function inflated(base64: string): Promise<Uint8Array> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

start();
