import { readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { manifestSchema } from '../experiment/manifest-schema.ts';

// Writes schema/manifest.schema.json from the one source; `--check` tells whether it is current.
const file = new URL('../schema/manifest.schema.json', import.meta.url);
const schema = z.toJSONSchema(manifestSchema, { io: 'input', target: 'draft-07' });
const text = `${JSON.stringify(schema, undefined, 2)}\n`;

if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
} else if (readFileSync(file, 'utf8') !== text) {
  console.error(
    'schema/manifest.schema.json is not what experiment/manifest-schema.ts makes: run `npx --no-install node scripts/schema.ts`.',
  );
  process.exitCode = 1;
}
