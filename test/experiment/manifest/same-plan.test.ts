import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { runsNothing } from '../../../experiment/commands/lines.ts';
import { commandsOf, parseManifest } from '../../../experiment/manifest/parse.ts';
import { corpusCases, faultLine } from './corpus-cases.ts';
import { planOf } from './planned.ts';

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}[a-z0-9]$/);
const line = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text));
const path = fc
  .array(fc.stringMatching(/^[a-z ]{1,8}$/), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'));
const value = fc.oneof(
  line,
  fc.boolean(),
  fc.integer(),
  // JSON.stringify writes -0 as 0.
  fc
    .double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 })
    .filter((each) => !Object.is(each, -0)),
);
const seconds = fc.integer({ min: 60, max: 86_400 }).map((count) => `${count}s`);

const manifest = fc.record(
  {
    apiVersion: fc.constant('sierra-batch/v1'),
    name,
    cluster: fc.record({
      nodes: fc.integer({ min: 2, max: 1000 }),
      vcpus: fc.constant(4),
      memory: fc.constant('8GiB'),
    }),
    run: fc.oneof(
      fc.record({
        commands: fc.record({
          list: fc.array(
            line.filter((text) => !runsNothing(text)),
            { minLength: 1, maxLength: 5 },
          ),
        }),
      }),
      fc.record({
        commands: fc.record({
          template: fc.constant('./sim {a} {{b}} \u0024{c} {_1}'),
          matrix: fc.record({
            a: fc.array(value, { minLength: 1, maxLength: 4 }),
            _1: fc.record({
              from: fc.integer({ min: -9, max: 9 }),
              to: fc.integer({ min: 10, max: 20 }),
              step: fc.constant(0.7),
            }),
          }),
        }),
      }),
    ),
    environment: fc.dictionary(
      fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/),
      fc.oneof(line, fc.boolean(), fc.integer()),
    ),
    outputs: fc.uniqueArray(path, { selector: (each) => each.trim(), maxLength: 3 }),
    timeouts: fc.record({ queue: seconds, join: seconds, run: seconds, task: seconds }, { requiredKeys: [] }),
    retry: fc.record({ attempts: fc.integer({ min: 1, max: 10 }), tasks: fc.nat(10) }, { requiredKeys: [] }),
    minNodes: fc.integer({ min: 1, max: 2 }),
    tags: fc.dictionary(
      fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/),
      fc.stringMatching(/^[\p{L}\p{N}_.:/=+@ -]{0,20}$/u),
    ),
    notify: fc.subarray(['rejected', 'stuck', 'failed', 'succeeded', 'cancelled', 'timed-out']),
  },
  { requiredKeys: ['apiVersion', 'name', 'cluster', 'run'] },
);

function planned(text: string, format: 'yaml' | 'json') {
  const result = parseManifest(Buffer.from(text), format);
  if (!result.ok) throw new Error(`${text}\n${result.faults.map(faultLine).join('\n')}`);
  return { plan: planOf(result.manifest), commands: [...(commandsOf(result.manifest)?.lines ?? [])] };
}

describe('one manifest in two notations', () => {
  it('gives the same plan and the same commands', () => {
    fc.assert(
      fc.property(manifest, fc.constantFrom(1, 2, 4), (document, indent) => {
        const asJson = planned(JSON.stringify(document, undefined, indent), 'json');
        expect(planned(JSON.stringify(document), 'yaml')).toEqual(asJson);
        expect(planned(stringify(document, { indent: indent + 1, lineWidth: 0 }), 'yaml')).toEqual(asJson);
      }),
      { numRuns: 300 },
    );
  });

  it('JSON is what JSON.parse takes, but for keys given twice and NUL', () => {
    const text = fc.oneof(
      fc.constantFrom(
        ...corpusCases('malformed')
          .filter((each) => each.format === 'json')
          .map((each) => each.text),
      ),
      fc.json({ maxDepth: 4 }),
    );
    const edit = fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...'[]{}:,"\\ 01.-+eE\n\tntf/*', ''));
    fc.assert(
      fc.property(text, fc.array(edit, { maxLength: 3 }), (original, edits) => {
        let changed = original;
        for (const [at, length, put] of edits) {
          const from = at % (changed.length + 1);
          changed = changed.slice(0, from) + put + changed.slice(from + length);
        }
        const result = parseManifest(Buffer.from(changed), 'json');
        const codes = result.ok ? [] : result.faults.map(({ code }) => code);
        expect(codes.some((code) => code === 'not-json' || code === 'empty')).toBe(!isJson(changed));
      }),
      { numRuns: 2000 },
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
