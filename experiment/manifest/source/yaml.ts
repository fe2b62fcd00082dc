import type { Alias, Document } from 'yaml';
import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, Parser } from 'yaml';
import type { Fault } from './fault.ts';
import type { Reading, SourceNode, Span } from './node.ts';
import type { SourcePlaces } from './positions.ts';
import { MAX_DEPTH, MAX_SIGNS, ManifestTree, nothing, tooDeep, tooManySigns } from './tree-builder.ts';

type Token = ReturnType<Parser['next']> extends Generator<infer Item> ? Item : never;

const MAX_ERRORS = 20;

/**
 * YAML 1.2 core, one document. The library's own steps are gone through one by one, so that reading stops where it is
 * already known that the file is refused: its errors and documents are not bounded, and its parser takes any depth.
 */
export function readYaml(places: SourcePlaces): Reading {
  const read = tokensOf(places);
  if ('faults' in read) return read;
  const directives = directiveFaults(places, read.tokens);
  const composed = withoutStackTraces(() => documentsOf(read.tokens, places.text.length));
  const [document, second] = composed;
  const errors = (document?.errors ?? [])
    .slice(0, MAX_ERRORS)
    .filter(({ code }) => directives.length === 0 || code !== 'BAD_DIRECTIVE')
    .map((error) =>
      isOpenQuote(error)
        ? openQuote(places, read.quotes, error.pos[0])
        : places.fault(
            'not-yaml',
            { start: error.pos[0], end: error.pos[1] },
            yamlMessage(error.code, error.message),
          ),
    );
  const several = second === undefined ? [] : [severalDocuments(places, second)];
  const faults = [...directives, ...errors, ...several];
  if (faults.length > 0) return { faults };
  if (document === undefined || document.contents === null)
    return { faults: [places.fault('empty', { start: 0, end: 1 }, 'the file has no document')] };
  const tree = new ManifestTree(places);
  const root = new YamlWalk(tree).node(document.contents, 0, false);
  return tree.limit === undefined ? { root, faults: tree.faults } : { faults: [tree.limit] };
}

/** @returns quotes: where each quoted text begins, in the order of the text */
function tokensOf(places: SourcePlaces): { tokens: Token[]; quotes: number[] } | { faults: Fault[] } {
  const parser = new Parser();
  const tokens: Token[] = [];
  const quotes: number[] = [];
  const errors: Fault[] = [];
  let signs = 0;
  for (const sign of new Lexer().lex(places.text)) {
    if (sign.startsWith('"') || sign.startsWith("'")) quotes.push(parser.offset);
    for (const token of parser.next(sign)) {
      tokens.push(token);
      if (token.type !== 'error') continue;
      const span = { start: token.offset, end: token.offset + token.source.length };
      errors.push(places.fault('not-yaml', span, yamlMessage('', token.message)));
      if (errors.length >= MAX_ERRORS) return { faults: errors };
    }
    signs += 1;
    if (signs > MAX_SIGNS) return { faults: [tooManySigns(places, parser.offset)] };
    // The parser's own stack holds the document and the word it is at as well.
    if (parser.stack.length > MAX_DEPTH + 5) return { faults: [tooDeep(places, parser.offset)] };
  }
  tokens.push(...parser.end());
  return { tokens, quotes };
}

function isOpenQuote({ code, message }: { code: string; message: string }): boolean {
  return code === 'MISSING_CHAR' && /^Missing closing ["']quote/.test(message);
}

/** The library shows where the text ends that was read for it, most often the end of the file; a person looks for its beginning. */
function openQuote(places: SourcePlaces, quotes: readonly number[], end: number): Fault {
  const start = quotes.findLast((quote) => quote < end) ?? end;
  return places.fault('not-yaml', { start, end }, 'not YAML: the quote that begins here is not closed');
}

function directiveFaults(places: SourcePlaces, tokens: readonly Token[]): Fault[] {
  return tokens
    .flatMap((token) => (token.type === 'directive' ? [token] : []))
    .filter(({ source }) => !/^%YAML[ \t]+1\.2[ \t]*$/.test(source))
    .slice(0, MAX_ERRORS)
    .map(({ offset, source }) => {
      const span = { start: offset, end: offset + source.length };
      return source.startsWith('%YAML')
        ? places.fault('yaml-version', span, 'manifests are YAML 1.2; take this line out')
        : places.fault('directive', span, 'only `%YAML 1.2` may stand here; take this line out');
    });
}

/** The first two documents; a third tells nothing more. */
function documentsOf(tokens: readonly Token[], length: number): Document.Parsed[] {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    // The library compares every key with every other; ours is linear and names both places.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const found: Document.Parsed[] = [];
  for (const document of composer.compose(tokens, true, length)) {
    found.push(document);
    if (found.length === 2) break;
  }
  return found;
}

/** The library makes an Error for each fault of a document, and most of their cost is a stack trace that nobody reads. */
function withoutStackTraces<T>(work: () => T): T {
  const usual = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = usual;
  }
}

function severalDocuments(places: SourcePlaces, second: Document.Parsed): Fault {
  const [start] = second.range;
  const marker = places.text.lastIndexOf('---', start + 3);
  const from = marker === -1 ? start : marker;
  return places.fault('several-documents', { start: from, end: from + 3 }, 'a manifest is one document');
}

/** Turns the library's tree into ours, and refuses what only YAML has. */
class YamlWalk {
  readonly #tree: ManifestTree;
  /** The latest node of each anchor, in the order of the text. */
  readonly #anchors = new Map<string, unknown>();
  readonly #targets = new Map<Alias, unknown>();

  constructor(tree: ManifestTree) {
    this.#tree = tree;
  }

  /** @param again whether an alias led here, and the anchors below are known already */
  node(node: unknown, depth: number, again: boolean): SourceNode {
    const span = spanOf(node);
    if (!this.#tree.enter(span, depth)) return nothing(span);
    if (isAlias(node)) return this.#alias(node, span, depth, again);
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return nothing(span);
    if (node.anchor !== undefined && !again) this.#anchors.set(node.anchor, node);
    // The parser notes the tag only where it was written.
    if (node.tag !== undefined && !again)
      this.#tree.fault('tag', tagBefore(this.#tree.places.text, span), 'tags are not allowed');
    if (isSeq(node))
      return { kind: 'list', ...span, items: node.items.map((item) => this.node(item, depth + 1, again)) };
    if (isScalar(node)) return this.#scalar(node.value, node.source, span);
    const entries = node.items.flatMap((pair) => {
      const at = this.node(pair.key, depth + 1, again);
      const key = this.#keyOf(at);
      const end = { start: at.end, end: at.end };
      const value = pair.value === null ? nothing(end) : this.node(pair.value, depth + 1, again);
      return key === undefined ? [] : [{ key, at, value }];
    });
    return this.#tree.map(span, entries);
  }

  #alias(alias: Alias, span: Span, depth: number, again: boolean): SourceNode {
    if (!again) this.#targets.set(alias, this.#anchors.get(alias.source));
    const target = this.#targets.get(alias);
    if (target === undefined) {
      this.#tree.fault('unknown-alias', span, `there is no anchor &${alias.source} before this`);
      return nothing(span);
    }
    return { ...this.node(target, depth + 1, true), ...span };
  }

  #scalar(value: unknown, source: string | undefined, span: Span): SourceNode {
    // `.inf` and `.nan` are words here: no key takes them.
    const isNumber = typeof value !== 'number' || Number.isFinite(value);
    return this.#tree.scalar(span, isNumber ? value : source, source ?? '');
  }

  #keyOf(key: SourceNode): string | undefined {
    if (key.kind !== 'scalar' || key.value === null) {
      this.#tree.fault('bad-key', key, 'a key is a word');
      return undefined;
    }
    if (this.#tree.places.text.slice(key.start, key.end) === '<<') {
      this.#tree.fault('merge-key', key, 'merge keys (`<<`) belong to YAML 1.1; write the keys out');
      return undefined;
    }
    return typeof key.value === 'string' ? key.value : key.written;
  }
}

/** The tag itself: it stands before what it is a tag of. */
function tagBefore(text: string, { start, end }: Span): Span {
  let from = text.lastIndexOf('!', start);
  if (from === -1) return { start, end };
  while (from > 0 && /[^\s,[\]{}]/.test(text.charAt(from - 1))) from -= 1;
  const length = text.slice(from, from + 200).search(/[\s,[\]{}]/);
  return { start: from, end: length === -1 ? from + 200 : from + length };
}

function spanOf(node: unknown): Span {
  const range: unknown = typeof node === 'object' && node !== null ? Reflect.get(node, 'range') : undefined;
  return Array.isArray(range) ? { start: Number(range[0]), end: Number(range[1]) } : { start: 0, end: 0 };
}

function yamlMessage(code: string, message: string): string {
  if (code === 'TAB_AS_INDENT') return 'a tab cannot be indentation in YAML; use spaces';
  return `not YAML: ${message.replace(/ at line \d+, column \d+:[\s\S]*$/, '')}`;
}
