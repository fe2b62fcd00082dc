import type { ResultCounts } from '../records/progress.ts';
import { counted, grouped } from '../text/numbers.ts';

/** What of `results` is an empty cell of the tables, as a sentence to append; empty where all was read. */
export function resultsClause(counts: ResultCounts | undefined): string {
  if (counts === undefined || counts.missing + counts.unreadable === 0) return '';
  const { read, missing, unreadable } = counts;
  const parts = [
    ...(missing > 0 ? [`${grouped(missing)} left nothing`] : []),
    ...(unreadable > 0 ? [`${grouped(unreadable)} left something that does not parse`] : []),
  ];
  return ` Of ${counted(read + missing + unreadable, 'succeeded task')}, ${parts.join(' and ')} for \`results\`: their cells in \`tasks.csv\` are empty.`;
}
