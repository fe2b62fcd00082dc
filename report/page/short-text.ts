/** Long text as a page may show it. */

/** At most `most` characters, and how many there were; never half a surrogate pair. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most).toWellFormed().replace(/�$/, '')}… (${text.length} characters)`;
}

/** Every line cut at `most` characters: a browser lays out a line of a megabyte for seconds. */
export function shortLines(text: string, most: number): string {
  return text
    .split('\n')
    .map((line) => shortened(line, most))
    .join('\n');
}
