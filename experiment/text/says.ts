/**
 * A pattern; or two of which the second stands after the first place of the first, on the same line if the first has no flag
 * `s`.
 */
export type Saying = RegExp | readonly [first: RegExp, then: RegExp];

/**
 * Whether a text of others says one of these. Two patterns stand for `/first.*then/`, which would read the rest of the
 * text again for each place of the first.
 */
export function says(text: string, ...sayings: readonly Saying[]): boolean {
  return sayings.some((saying) => {
    if (saying instanceof RegExp) return saying.test(text);
    const [first, then] = saying;
    return (first.dotAll ? [text] : text.split('\n')).some((part) => {
      const found = first.exec(part);
      return found !== null && then.test(part.slice(found.index + found[0].length));
    });
  });
}
