import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BundleSize } from './bundle.ts';
import { bundleCommandLine, bundleFunction, bundleLocalSystem, bundleRunner, FUNCTIONS } from './bundle.ts';

/**
 * Bundles what is shipped into `dist/`: the runner as `container/main.js`, one folder a function as
 * `functions/<name>/index.mjs` with its `handler`, the command line as `cli/main.mjs` and what its local system starts as `local/`. Prints what each weighs.
 */
const dist = fileURLToPath(new URL('../../dist', import.meta.url));
rmSync(dist, { recursive: true, force: true });

report('cli', await bundleCommandLine(join(dist, 'cli')));
report('local', await bundleLocalSystem(join(dist, 'local')));
report('runner', await bundleRunner(join(dist, 'container')));
for (const name of FUNCTIONS) report(name, await bundleFunction(name, join(dist, 'functions', name)));

function report(name: string, { atStart, total, files }: BundleSize): void {
  console.log(
    `${name.padEnd(8)} ${kilobytes(atStart)} at start, ${kilobytes(total)} in ${files} ${files === 1 ? 'file' : 'files'}`,
  );
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(0).padStart(5)} KB`;
}
