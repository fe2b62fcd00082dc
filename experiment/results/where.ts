/** What a person asks of the rows of a table: `speed=2.0 && seconds>10`. */
export type Condition = (row: Readonly<Record<string, string>>) => boolean;

/** What is wrong with a question, in a sentence. */
export class BadQuestion extends Error {
  override readonly name = 'BadQuestion';
}

const PART = /^([A-Za-z_][\w.]{0,200})[ \t]*(!=|>=|<=|=|>|<)(.*)$/;

/**
 * Conditions joined by `&&`, each a column, a sign and a value. Numbers are compared as numbers where both are; an empty
 * cell meets `=` and `!=` alone. @throws BadQuestion
 */
export function parseWhere(text: string, columns: readonly string[]): Condition {
  const conditions = text.split('&&').map((part) => conditionOf(part.trim(), columns));
  return (row) => conditions.every((condition) => condition(row));
}

function conditionOf(part: string, columns: readonly string[]): Condition {
  const [, name = '', sign = '', written = ''] = PART.exec(part) ?? [];
  if (name === '')
    throw new BadQuestion(
      `\`${part}\` is no condition; write a column, one of = != < <= > >=, and a value, as in speed=2.0`,
    );
  checkColumn(name, columns);
  const value = written.trim().replace(/^(["'])(.*)\1$/, '$2');
  return (row) => holds(sign, row[name] ?? '', value);
}

/** @throws BadQuestion */
export function checkColumn(name: string, columns: readonly string[]): void {
  if (!columns.includes(name))
    throw new BadQuestion(`there is no column ${name}; there are ${columns.join(', ')}`);
}

function holds(sign: string, cell: string, value: string): boolean {
  if (sign === '=') return isSame(cell, value);
  if (sign === '!=') return !isSame(cell, value);
  if (cell === '') return false;
  const order = compareCells(cell, value);
  if (sign === '>') return order > 0;
  if (sign === '>=') return order >= 0;
  return sign === '<' ? order < 0 : order <= 0;
}

function isSame(cell: string, value: string): boolean {
  return cell === value || (cell !== '' && value !== '' && Number(cell) === Number(value));
}

/** Numbers before texts, in their order; empty cells last. */
export function compareCells(a: string, b: string): number {
  if (a === '' || b === '') return Number(a === '') - Number(b === '');
  const [one, other] = [Number(a), Number(b)];
  if (Number.isNaN(one) !== Number.isNaN(other)) return Number.isNaN(one) ? 1 : -1;
  if (!Number.isNaN(one)) return one - other;
  return a < b ? -1 : Number(a > b);
}
