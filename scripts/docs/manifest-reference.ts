/** What of a JSON schema the reference shows. */
interface Schema {
  type?: unknown;
  description?: unknown;
  properties?: unknown;
  required?: unknown;
  items?: unknown;
  enum?: unknown;
  const?: unknown;
  minimum?: unknown;
  maximum?: unknown;
  additionalProperties?: unknown;
  anyOf?: unknown;
}

/** `docs/manifest.md`: every key of a manifest, from its JSON schema. Pure. */
export function manifestReference(schema: Schema): string {
  return `# The manifest, key by key

Made from \`experiment/manifest/schema.ts\` by \`npx --no-install node scripts/docs/schema.ts\`; \`npm run check\` says when it is
out of date. An editor that knows [\`docs/schema/manifest.schema.json\`](schema/manifest.schema.json) completes and checks the
same keys. Rules that concern several keys at once are explained by the faults themselves.

A manifest is YAML 1.2 (\`.yaml\`, \`.yml\`) or strict JSON (\`.json\`), in UTF-8, of at most 1 MiB. Nothing is guessed: a key
that is not known, a key given twice, a value of another type and null are faults. Sizes are written \`512MiB\`, \`8GiB\` or
\`1TiB\`, durations \`90s\`, \`10m\`, \`1h30m\` or \`2d\`.

\`\`\`yaml
apiVersion: sierra-batch/v1
name: speed-sweep
cluster: {nodes: 4, vcpus: 10, memory: 8GiB}
run:
  commands:
    template: "./sim --seed {seed} --speed {speed}"
    matrix: {seed: {from: 1, to: 100}, speed: [0.1, 0.5]}
  jobsPerNode: 10
outputs: [results/]
notify: [failed, stuck]
\`\`\`

| key | value | what for |
|---|---|---|
${rows(schema, '').join('\n')}

**Bold** keys must be there, in a manifest or in the block that they belong to.
`;
}

function rows(schema: Schema, prefix: string): string[] {
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  return Object.entries(asObject(schema.properties)).flatMap(([key, value]) => {
    const inner: Schema = asObject(value);
    const path = `${prefix}${key}`;
    const shown = required.has(key) ? `**\`${path}\`**` : `\`${path}\``;
    return [
      `| ${shown} | ${cell(shownValue(inner))} | ${cell(String(inner.description ?? ''))} |`,
      ...alternatives(inner).flatMap((one) => rows(one, `${path}.`)),
      ...alternatives(asObject(inner.items)).flatMap((one) => rows(one, `${path}[].`)),
    ];
  });
}

/** What may stand there: one kind or several. */
function alternatives(schema: Schema): Schema[] {
  return Array.isArray(schema.anyOf) ? schema.anyOf.map(asObject) : [schema];
}

function shownValue(schema: Schema): string {
  if (schema.anyOf !== undefined) return alternatives(schema).map(shownValue).join(' or ');
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (Array.isArray(schema.enum)) return schema.enum.map((one) => `\`${String(one)}\``).join(', ');
  if (schema.type === 'array') return `a list of ${shownValue(asObject(schema.items))}`;
  if (schema.properties !== undefined) return 'a block';
  if (schema.type === 'object') return 'names with values';
  if (schema.type === 'integer') return `a whole number${range(schema)}`;
  if (schema.type === 'number') return 'a number';
  return schema.type === 'boolean' ? 'true or false' : 'text';
}

function range({ minimum, maximum }: Schema): string {
  return typeof minimum === 'number' && typeof maximum === 'number' ? `, ${minimum} to ${maximum}` : '';
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

/** A bar would end the cell, and a tag would be one. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
