import { describe, expect, it } from 'vitest';
import { commandsOf, parseManifest } from '../../../experiment/manifest/parse.ts';
import { corpusCases, faultLine } from './corpus-cases.ts';
import { planOf } from './planned.ts';

const malformed = corpusCases('malformed');
const valid = corpusCases('valid');

describe('malformed manifests', () => {
  it.each(malformed)('$topic: $name', ({ text, format, expected }) => {
    const result = parseManifest(Buffer.from(text), format);
    expect(result.ok ? 'accepted' : result.faults.map(faultLine)).toEqual(expected);
  });
});

describe('valid manifests that look odd', () => {
  it.each(valid)('$topic: $name', ({ text, format, expected }) => {
    const result = parseManifest(Buffer.from(text), format);
    if (!result.ok) throw new Error(result.faults.map(faultLine).join('\n'));
    const list = commandsOf(result.manifest);
    const facts = {
      ...planOf(result.manifest),
      commands: list === undefined ? undefined : first(6, list.lines),
    };
    // Most of these name no outputs, since they are about something else.
    const isAsked = (code: string) => code !== 'no-outputs' || expected.some((line) => line.includes(code));
    const warnings = result.warnings
      .filter(({ code }) => isAsked(code))
      .map((warning) => `warning ${faultLine(warning)}`);
    expect(expected.filter((line) => line.startsWith('warning '))).toEqual(warnings);
    for (const line of expected.filter((each) => !each.startsWith('warning '))) {
      const at = line.indexOf(' ');
      expect(facts).toHaveProperty(line.slice(0, at), JSON.parse(line.slice(at + 1)));
    }
  });
});

it('the corpus is as large as it is meant to be', () => {
  expect(malformed.length).toBeGreaterThanOrEqual(110);
  expect(valid.length).toBeGreaterThanOrEqual(35);
  const named = [...malformed, ...valid].map(({ topic, name }) => `${topic}/${name}`);
  expect(new Set(malformed.map(({ topic, name }) => `${topic}/${name}`)).size).toBe(malformed.length);
  expect(named.every((name) => /\.(yaml|json)$/.test(name))).toBe(true);
});

function first(most: number, lines: Iterable<string>): string[] {
  const found: string[] = [];
  for (const line of lines) {
    found.push(line);
    if (found.length === most) break;
  }
  return found;
}
