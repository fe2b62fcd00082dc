// Preloaded (`node --import`) where Node runs TypeScript: what was compiled once is kept, which halves the start of a
// node. A folder that may not be written only costs that time.
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/node-compile', import.meta.url)));
