import { join } from 'node:path';
import { bringDebianPackages } from '../../../scripts/install/install.ts';
import { npmFolder } from '../../../scripts/install/npm-folder.ts';

/**
 * The path of AWS's runtime interface client for Node (what Lambda starts a handler with), installed now if need be: it is
 * compiled then, about 40 s. @throws NotInstalled
 */
export async function runtimeClient(): Promise<string> {
  const folder = await npmFolder('test/aws/lambda/runtime-client', "AWS's runtime interface client", () =>
    bringDebianPackages(['cmake', 'g++', 'make'], ['/usr/bin/cmake', '/usr/bin/g++', '/usr/bin/make']),
  );
  return join(folder, 'node_modules/aws-lambda-ric/index.mjs');
}
