import type { Condition } from '../../../experiment/results/where.ts';
import { BadQuestion, parseWhere } from '../../../experiment/results/where.ts';
import type { TaskRow } from './task-rows.ts';

/** Which tasks a choice of ends keeps. */
export const ENDS: Readonly<Record<string, (row: TaskRow) => boolean>> = {
  'all tasks': () => true,
  failed: ({ isBad }) => isBad,
  succeeded: ({ cells }) => cells.end === 'succeeded',
  'tried again': ({ cells }) => Number(cells.tries) > 1,
  'without an end': ({ cells }) => cells.tries === '' && cells.end !== 'done before',
};

/** What a reader asks for. `wrong`: a condition that cannot be understood, in a sentence; its text is looked for then. */
export interface Query {
  keeps: Condition;
  wrong: string;
}

const IS_CONDITION = /^[^\s=!<>]+\s*(?:=|!=|<|>)/;

/** A condition, where it begins as one; otherwise a text that stands in some cell, whatever its case. */
export function parseQuery(text: string, columns: readonly string[]): Query {
  const asked = text.trim().toLowerCase();
  const hasText: Condition = (cells) => {
    for (const name of columns) if (cells[name]?.toLowerCase().includes(asked) === true) return true;
    return false;
  };
  if (asked === '') return { keeps: () => true, wrong: '' };
  if (!IS_CONDITION.test(asked)) return { keeps: hasText, wrong: '' };
  try {
    return { keeps: parseWhere(text, columns), wrong: '' };
  } catch (error) {
    if (error instanceof BadQuestion) return { keeps: hasText, wrong: error.message };
    throw error;
  }
}
