import { readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { manifestSchema } from '../../experiment/manifest/schema.ts';
import { stateChangeEvent } from '../../experiment/notify/state-change-event.ts';
import { bucketReference } from './bucket-reference.ts';
import { figuresReference } from './figures-reference.ts';
import { manifestReference } from './manifest-reference.ts';

// Writes what is made from the schemas, each the one source of its format; `--check` tells whether all is current.
const manifest = z.toJSONSchema(manifestSchema, { io: 'input', target: 'draft-07' });
const MADE: Readonly<Record<string, string>> = {
  'docs/schema/manifest.schema.json': json(manifest),
  'docs/schema/state-change-event.schema.json': json(
    z.toJSONSchema(stateChangeEvent, { target: 'draft-07' }),
  ),
  'docs/manifest.md': manifestReference(manifest),
  'docs/bucket.md': bucketReference(),
  'docs/figures.md': figuresReference(),
};

for (const [name, text] of Object.entries(MADE)) {
  const file = new URL(`../../${name}`, import.meta.url);
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(
      `${name} is not what the schemas in experiment/ make: run \`npx --no-install node scripts/docs/schema.ts\`.`,
    );
    process.exitCode = 1;
  }
}

function json(schema: unknown): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
