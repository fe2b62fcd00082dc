import { fileURLToPath } from 'node:url';
import { EXIT } from '../../experiment/records/exit-code.ts';
import { realClock } from '../clock/real.ts';
import { live } from '../system/live.ts';
import { listenForInterruption } from './interruption.ts';
import { readStartOptions } from './options.ts';
import { packagesReady } from './packages-ready.ts';
import { runManifest } from './run-manifest.ts';

/** `npm start`. Ends with the runner's exit code. */
async function main(): Promise<number> {
  const surroundings = live();
  const repository = fileURLToPath(new URL('../..', import.meta.url));
  const places = { from: surroundings.from, cwd: process.cwd(), repository };
  const request = readStartOptions(process.argv.slice(2), places);
  if (request.kind === 'help') {
    process.stdout.write(request.text);
    return EXIT.succeeded;
  }
  if (request.kind === 'refused') {
    process.stderr.write(`npm start: ${request.why} (npm start -- --help says more)\n`);
    return EXIT.badEnvironment;
  }
  const { options } = request;
  if (!packagesReady(repository, options.yes || !surroundings.asks)) return EXIT.badEnvironment;
  // A terminal that was closed, or a reader that left, must not end the run halfway.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const interruption = listenForInterruption(realClock, surroundings.throughNpm);
  try {
    return await runManifest(options, surroundings, interruption);
  } finally {
    interruption.stop();
  }
}

process.exit(await main());
