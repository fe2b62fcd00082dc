/** Columns as wide as they must be, two blanks between them; names and ids only, so that a letter is a column wide. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: ReadonlySet<number> = new Set(),
): string[] {
  const widths = heads.map((head, column) =>
    rows.reduce((most, row) => Math.max(most, (row[column] ?? '').length), head.length),
  );
  return [heads, ...rows].map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return rightAligned.has(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
