import { ImageFailed } from './build.ts';
import { makeImage } from './make.ts';
import { HELP, readImageOptions } from './options.ts';
import { pinDockerfile } from './pin.ts';

/** `npm run image`: the nodes' image, and its name as the last line. Exit codes: 1 it could not be built, 2 bad options. */
const request = readImageOptions(process.argv.slice(2));
if (request.kind === 'help') {
  console.log(HELP);
} else if (request.kind === 'refused') {
  console.error(`npm run image: ${request.why} (npm run image -- --help tells more)`);
  process.exitCode = 2;
} else {
  try {
    if (request.kind === 'pin') console.log((await pinDockerfile()).join('\n'));
    else console.log(makeImage(request.options));
  } catch (error) {
    if (!(error instanceof ImageFailed)) throw error;
    console.error(`npm run image: ${error.message}`);
    process.exitCode = 1;
  }
}
