import type { Fault } from './fault.ts';
import { readJson } from './json.ts';
import type { SourceNode } from './node.ts';
import { SourcePlaces } from './positions.ts';
import { readYaml } from './yaml.ts';

export type ManifestFormat = 'yaml' | 'json';

/** `.json` is strict JSON, everything else YAML. */
export function manifestFormat(key: string): ManifestFormat {
  return key.endsWith('.json') ? 'json' : 'yaml';
}

/** A document whose every part knows its place. */
export interface Source {
  text: string;
  root: SourceNode;
  /** Line and column, both from 1. */
  place(offset: number): { line: number; column: number };
}

export type SourceResult =
  | { ok: true; source: Source; faults: Fault[] }
  | { ok: false; faults: Fault[]; text: string };

const MAX_BYTES = 1024 * 1024;

/** Reads a manifest's bytes. Faults of the notation (not of the content) are all found here. Never throws. */
export function readSource(bytes: Uint8Array, format: ManifestFormat): SourceResult {
  const refuse = (code: string, message: string, text = ''): SourceResult => ({
    ok: false,
    text,
    faults: [{ code, path: '', line: 0, column: 0, text: '', message }],
  });
  const excess = excessOf(bytes.length);
  if (excess !== undefined) return refuse('too-large', excess);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('not-utf8', 'the file is not UTF-8 text');
  }
  if (text.trim() === '')
    return refuse('empty', 'the file is empty; `apiVersion`, `name`, `cluster` and `run` are needed', text);
  const places = new SourcePlaces(text);
  const control = /[^\P{Cc}\t\n\r]/u.exec(text);
  if (control !== null) return { ok: false, text, faults: [controlCharacter(places, control)] };
  try {
    const reading = format === 'json' ? readJson(places) : readYaml(places);
    if (!('root' in reading)) return { ok: false, text, faults: reading.faults };
    const source = { text, root: reading.root, place: (offset: number) => places.at(offset) };
    return { ok: true, source, faults: reading.faults };
  } catch (error) {
    // A parser that gives up on hostile input must not take the system with it.
    return refuse(
      'unreadable',
      `the file cannot be read as ${format.toUpperCase()} (${error instanceof Error ? error.message : String(error)})`,
      text,
    );
  }
}

/** What is wrong with a file of so many bytes, in a sentence; undefined for a size that a manifest may have. */
export function excessOf(bytes: number): string | undefined {
  if (bytes <= MAX_BYTES) return undefined;
  return `the file has ${bytes} bytes, and a manifest may have 1 MiB; put long command lists into a file of their own (run.commands.file)`;
}

function controlCharacter(places: SourcePlaces, found: RegExpExecArray): Fault {
  const code = found[0].charCodeAt(0).toString(16).padStart(4, '0').toUpperCase();
  return places.fault(
    'control-character',
    { start: found.index, end: found.index + 1 },
    `the character U+${code} is not allowed in a manifest`,
  );
}
