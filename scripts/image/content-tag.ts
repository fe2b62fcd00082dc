import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildArguments } from './build.ts';
import type { Architecture } from './options.ts';

/** Everything that the Dockerfile copies, and itself. */
const MADE_OF = [
  'container/image/Dockerfile',
  'container/image/prepare-image.sh',
  'test/container/sierra/requirements.txt',
];
const RUNNER = 'dist/container';

/**
 * A tag that names what is in an image: `<version>-<architecture>[-sierra]-<12 hex>`. The same sources and arguments give
 * the same tag, so a deployment changes its job definition only when the nodes would change. What Debian and the base
 * images bring is not part of it: pin them (`--pin`) for that.
 * @param root the repository, with `dist/container` in it
 */
export function contentTag(root: string, architecture: Architecture, args: BuildArguments): string {
  const hash = createHash('sha256');
  const runner = readdirSync(join(root, RUNNER)).toSorted();
  for (const file of [...MADE_OF, ...runner.map((name) => join(RUNNER, name))])
    hash.update(`${file}\0`).update(
      createHash('sha256')
        .update(readFileSync(join(root, file)))
        .digest(),
    );
  for (const [name, value] of Object.entries(args).toSorted()) hash.update(`${name}=${value}\0`);
  const parts = [args.VERSION, architecture, ...(args.SIERRA === '1' ? ['sierra'] : [])];
  return [...parts, hash.update(architecture).digest('hex').slice(0, 12)].join('-');
}
