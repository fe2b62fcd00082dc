import type { ParseError } from 'jsonc-parser';
import { parseTree, printParseErrorCode } from 'jsonc-parser';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { Fault } from './faults.ts';

export type ManifestFormat = 'yaml' | 'json';

/** A place in the source: offsets of UTF-16 units. */
interface Span {
  start: number;
  end: number;
}

export type SourceNode = Span &
  (
    | { kind: 'scalar'; value: string | number | boolean | null; written: string }
    | { kind: 'list'; items: SourceNode[] }
    | { kind: 'map'; entries: { key: string; at: Span; value: SourceNode }[] }
  );

/** A document whose every part knows its place. */
export interface Source {
  text: string;
  root: SourceNode;
  /** Line and column, both from 1. */
  place(offset: number): { line: number; column: number };
}

export type SourceResult = { ok: true; source: Source } | { ok: false; faults: Fault[]; text: string };

const MOST_BYTES = 1024 * 1024;
const MOST_DEPTH = 40;
/** Far over what a manifest of 1 MiB needs, far under what an alias bomb makes. */
const MOST_NODES = 300_000;

/** Reads a manifest's bytes. Faults of the notation (not of the content) are all found here. Never throws. */
export function readSource(bytes: Uint8Array, format: ManifestFormat): SourceResult {
  const refuse = (code: string, message: string, text = ''): SourceResult => ({
    ok: false,
    text,
    faults: [{ code, path: '', line: 0, column: 0, text: '', message }],
  });
  if (bytes.length > MOST_BYTES)
    return refuse(
      'too-large',
      `the file has ${bytes.length} bytes, and a manifest may have 1 MiB; put long command lists into a file of their own (run.commands.file)`,
    );
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('not-utf8', 'the file is not UTF-8 text');
  }
  if (text.trim() === '')
    return refuse('empty', 'the file is empty; `apiVersion`, `name`, `cluster` and `run` are needed', text);
  const control = /[^\P{Cc}\t\n\r]/u.exec(text);
  const places = new Places(text);
  if (control !== null)
    return {
      ok: false,
      text,
      faults: [
        places.fault(
          'control-character',
          control.index,
          control.index + 1,
          `the character U+${control[0].charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()} is not allowed in a manifest`,
        ),
      ],
    };
  const deep = tooDeep(text);
  if (deep !== undefined)
    return {
      ok: false,
      text,
      faults: [places.fault('too-deep', deep, deep + 1, `nested deeper than ${MOST_DEPTH} levels`)],
    };
  try {
    const read = format === 'json' ? readJson(text, places) : readYaml(text, places);
    if ('faults' in read) return { ok: false, text, faults: read.faults };
    return { ok: true, source: { text, root: read.root, place: (offset) => places.at(offset) } };
  } catch (error) {
    // A parser that gives up on hostile input (too deep for its stack) must not take the system with it.
    return refuse(
      'unreadable',
      `the file cannot be read as ${format.toUpperCase()} (${error instanceof Error ? error.message : String(error)})`,
      text,
    );
  }
}

type Read = { root: SourceNode } | { faults: Fault[] };

function readYaml(text: string, places: Places): Read {
  const faults: Fault[] = [];
  const version = /^%YAML\s+(?!1\.2\b).*$/m.exec(text);
  if (version !== null)
    faults.push(
      places.fault(
        'yaml-version',
        version.index,
        version.index + version[0].length,
        'manifests are YAML 1.2; take this line out',
      ),
    );
  // uniqueKeys compares every key with every other; the check here is linear and names both places.
  const documents = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    lineCounter: new LineCounter(),
    prettyErrors: false,
    logLevel: 'silent',
  });
  if (!Array.isArray(documents))
    return { faults: [...faults, places.fault('empty', 0, 1, 'the file has no document')] };
  const [document, second] = documents;
  if (document === undefined)
    return { faults: [...faults, places.fault('empty', 0, 1, 'the file has no document')] };
  for (const error of document.errors.slice(0, 20)) {
    if (version === null || error.code !== 'BAD_DIRECTIVE')
      faults.push(
        places.fault('not-yaml', error.pos[0], error.pos[1], yamlMessage(error.code, error.message)),
      );
  }
  if (second !== undefined)
    faults.push(
      places.fault('several-documents', second.range[0], second.range[0] + 3, 'a manifest is one document'),
    );
  if (faults.length > 0) return { faults };
  const walk = new Walk(places);
  const root = walk.yaml(document.contents, document, 0);
  return walk.faults.length > 0 ? { faults: walk.faults } : { root };
}

function readJson(text: string, places: Places): Read {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, {
    disallowComments: true,
    allowTrailingComma: false,
    allowEmptyContent: false,
  });
  if (errors.length > 0 || tree === undefined) {
    return {
      faults: errors
        .slice(0, 20)
        .map(({ error, offset, length }) =>
          places.fault(
            'not-json',
            offset,
            offset + length,
            `not JSON: ${spaced(printParseErrorCode(error))}`,
          ),
        ),
    };
  }
  const walk = new Walk(places);
  const root = walk.json(tree, 0);
  return walk.faults.length > 0 ? { faults: walk.faults } : { root };
}

type YamlDocument = Parameters<typeof isAlias>[0] & object;
type JsonNode = NonNullable<ReturnType<typeof parseTree>>;

/** Turns either notation's tree into ours, and refuses what only one of them has. */
class Walk {
  readonly faults: Fault[] = [];
  readonly #places: Places;
  #nodes = 0;

  constructor(places: Places) {
    this.#places = places;
  }

  yaml(node: unknown, document: YamlDocument, depth: number): SourceNode {
    const [start, end] = rangeOf(node);
    if (!this.#counts(start, depth)) return nothing(start, end);
    if (isAlias(node)) {
      const target = node.resolve(document as Parameters<typeof node.resolve>[0]);
      if (target === undefined) {
        this.#fault('unknown-alias', start, end, `there is no anchor &${node.source} before this`);
        return nothing(start, end);
      }
      return { ...this.yaml(target, document, depth + 1), start, end };
    }
    if ((isScalar(node) || isMap(node) || isSeq(node)) && node.tag !== undefined && node.tag !== null)
      this.#refuseTag(node.tag, start, end);
    if (isSeq(node))
      return {
        kind: 'list',
        start,
        end,
        items: node.items.map((item) => this.yaml(item, document, depth + 1)),
      };
    if (isMap(node)) {
      const entries = node.items.map((pair) => {
        const key = this.yaml(pair.key, document, depth + 1);
        return {
          key: this.#keyOf(key),
          at: key,
          value: pair.value === null ? nothing(key.end, key.end) : this.yaml(pair.value, document, depth + 1),
        };
      });
      this.#checkKeys(entries);
      return { kind: 'map', start, end, entries };
    }
    if (isScalar(node)) return this.#yamlScalar(node.value, node.source, start, end);
    return nothing(start, end);
  }

  json(node: JsonNode, depth: number): SourceNode {
    const start = node.offset;
    const end = node.offset + node.length;
    if (!this.#counts(start, depth)) return nothing(start, end);
    const children = node.children ?? [];
    if (node.type === 'array')
      return { kind: 'list', start, end, items: children.map((child) => this.json(child, depth + 1)) };
    if (node.type === 'object') {
      const entries = children.flatMap(({ children: [key, value] = [] }) => {
        if (key === undefined || value === undefined) return [];
        const at = { start: key.offset, end: key.offset + key.length };
        return [{ key: String(key.value), at, value: this.json(value, depth + 1) }];
      });
      this.#checkKeys(entries);
      return { kind: 'map', start, end, entries };
    }
    return {
      kind: 'scalar',
      start,
      end,
      value: scalarOf(node.value),
      written: this.#places.text.slice(start, end),
    };
  }

  #yamlScalar(value: unknown, source: string | undefined, start: number, end: number): SourceNode {
    // `.inf` and `.nan` are words here: no key takes them.
    if (typeof value === 'number' && !Number.isFinite(value))
      return { kind: 'scalar', start, end, value: source ?? String(value), written: source ?? '' };
    return { kind: 'scalar', start, end, value: scalarOf(value), written: source ?? '' };
  }

  #keyOf(key: SourceNode): string {
    if (key.kind === 'scalar' && key.value !== null)
      return this.#places.text.slice(key.start, key.end).startsWith('<<')
        ? this.#mergeKey(key)
        : String(key.value);
    this.#fault('bad-key', key.start, key.end, 'a key is a word');
    return '';
  }

  #mergeKey(key: SourceNode): string {
    this.#fault('merge-key', key.start, key.end, 'merge keys (`<<`) belong to YAML 1.1; write the keys out');
    return '<<';
  }

  #refuseTag(tag: string, start: number, end: number): void {
    // The parser notes the tag of a scalar only where it was written.
    this.#fault('tag', start, end, `tags are not allowed (${tag})`);
  }

  #checkKeys(entries: readonly { key: string; at: Span }[]): void {
    const seen = new Map<string, Span>();
    for (const { key, at } of entries) {
      const first = seen.get(key);
      if (first === undefined) seen.set(key, at);
      else
        this.#fault(
          'double-key',
          at.start,
          at.end,
          `\`${key}\` is given twice, first in line ${this.#places.at(first.start).line}`,
        );
    }
  }

  #counts(start: number, depth: number): boolean {
    this.#nodes += 1;
    if (depth > MOST_DEPTH)
      this.#fault('too-deep', start, start + 1, `nested deeper than ${MOST_DEPTH} levels`);
    else if (this.#nodes > MOST_NODES)
      this.#fault(
        'too-many',
        start,
        start + 1,
        `the document has over ${MOST_NODES} parts once its aliases are written out`,
      );
    else return true;
    return false;
  }

  #fault(code: string, start: number, end: number, message: string): void {
    if (this.faults.length < 50) this.faults.push(this.#places.fault(code, start, end, message));
  }
}

/** Offsets to lines and columns. */
class Places {
  readonly text: string;
  #starts: number[] | undefined;

  constructor(text: string) {
    this.text = text;
  }

  at(offset: number): { line: number; column: number } {
    this.#starts ??= lineStarts(this.text);
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
  }

  fault(code: string, start: number, end: number, message: string): Fault {
    const text = this.text.slice(start, Math.min(end, start + 80)).split('\n')[0] ?? '';
    return { code, path: '', ...this.at(Math.min(start, this.text.length)), text, message };
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/**
 * Parsers recurse, and some take quadratic time on nesting that no manifest has: a glance before they see it. Brackets in
 * text that never close count too, but hardly forty times over on one line's worth of a command.
 */
function tooDeep(text: string): number | undefined {
  const stacked = /(?:(?:^|\n)[ \t]*(?:[-?:][ \t]+){41})/.exec(text);
  if (stacked !== null) return stacked.index;
  const brackets = /(?:[[{][ \t\n]*){41}/.exec(text);
  if (brackets !== null) return brackets.index;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === 0x5b || character === 0x7b) depth += 1;
    else if (character === 0x5d || character === 0x7d) depth = Math.max(0, depth - 1);
    if (depth > 2000) return at;
  }
  return undefined;
}

function rangeOf(node: unknown): [number, number] {
  const range: unknown = typeof node === 'object' && node !== null ? Reflect.get(node, 'range') : undefined;
  return Array.isArray(range) ? [Number(range[0]), Number(range[1])] : [0, 0];
}

function nothing(start: number, end: number): SourceNode {
  return { kind: 'scalar', start, end, value: null, written: '' };
}

function scalarOf(value: unknown): string | number | boolean | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function yamlMessage(code: string, message: string): string {
  if (code === 'TAB_AS_INDENT') return 'a tab cannot be indentation in YAML; use spaces';
  return `not YAML: ${message.replace(/ at line \d+, column \d+:[\s\S]*$/, '')}`;
}

function spaced(code: string): string {
  return code.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}
