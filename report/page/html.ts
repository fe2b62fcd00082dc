import { visibleText } from '../../experiment/text/visible-text.ts';

/** A piece of HTML that is safe to put into a page. Only {@link html} and {@link trustedMarkup} make one. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Piece = Markup | string | number | readonly Piece[] | null | undefined | false;

/**
 * A tagged template: whatever is not itself Markup is made visible and escaped, in text and in quoted attributes
 * alike. A list is its pieces one after another; null, undefined and false are nothing.
 */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  let text = strings[0] ?? '';
  pieces.forEach((piece, at) => {
    text += render(piece) + (strings[at + 1] ?? '');
  });
  return new Markup(text);
}

/** Text of this project's own that is markup already (its style sheet, its script). Never for a user's. */
export function trustedMarkup(text: string): Markup {
  return new Markup(text);
}

/** For data that a script of the page reads: JSON in which no `<` is left, so that nothing in it can end the element. */
export function jsonMarkup(data: unknown): Markup {
  return new Markup(
    JSON.stringify(data)
      .replaceAll('<', '\\u003c')
      .replaceAll('\u2028', '\\u2028')
      .replaceAll('\u2029', '\\u2029'),
  );
}

/** Sentences of ours, in which text between backticks is something to type. */
export function withCode(text: string): Markup {
  const pieces = text
    .split('`')
    .map((piece, at, all) =>
      at % 2 === 1 && at < all.length - 1 ? html`<code>${piece}</code>` : html`${piece}`,
    );
  return html`${pieces}`;
}

function render(piece: Piece): string {
  if (piece === null || piece === undefined || piece === false) return '';
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === 'object') return piece.map(render).join('');
  return escaped(visibleText(String(piece)));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
