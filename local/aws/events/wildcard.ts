/** Whether a text is these parts in their order, with any text between one and the next: a pattern cut at its `*`. */
export function isMadeOf(text: string, [first = '', ...parts]: readonly string[]): boolean {
  const last = parts.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let from = first.length;
  for (const part of parts) {
    const at = text.indexOf(part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return text.slice(from).endsWith(last);
}
