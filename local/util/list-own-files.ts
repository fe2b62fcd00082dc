import { fileURLToPath } from 'node:url';

/**
 * Files of this package that the local system reads or has other programs run, absolute. From a clone they are the sources;
 * the npm package holds bundles, made by `bundleLocalSystem` of scripts/build/bundle.ts.
 */
export const ownFiles = import.meta.url.endsWith('.ts')
  ? {
      /** What starts a node, as node's own arguments. */
      runner: ['--import', fileOf('./compile-cache.mjs'), fileOf('../../container/main.ts')],
      keeper: fileOf('../nodes/keeper.pl'),
      definition: fileOf('../../statemachine/experiment.asl.json'),
    }
  : {
      runner: [fileOf('../local/main.js')],
      keeper: fileOf('../local/keeper.pl'),
      definition: fileOf('../local/experiment.asl.json'),
    };

function fileOf(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
