import { fileURLToPath } from 'node:url';
import { EXIT } from '../../experiment/records/exit-code.ts';
import { live } from '../system/live.ts';
import { onThisMachine } from './on-this-machine.ts';
import { readStartOptions } from './options.ts';
import { runManifest } from './run-manifest.ts';

/** `npm start`. Ends with the runner's exit code. */
async function main(): Promise<number> {
  const repository = fileURLToPath(new URL('../..', import.meta.url));
  const places = { from: live().from, cwd: process.cwd(), repository };
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
  // A terminal that was closed, or a reader that left, must not end the run halfway.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return onThisMachine(repository, options.yes, (...here) => runManifest(options, ...here));
}

process.exit(await main());
