import type { LostNode } from '../records/progress.ts';
import type { Summary } from '../records/summary.ts';
import { clock } from '../text/instant.ts';
import { counted, grouped, nodesNamed } from '../text/numbers.ts';
import { sentence } from '../text/sentence.ts';

/**
 * Nodes that were lost, in which attempt and when, and what the attempts after it ran, as sentences to append.
 * @param rest of the tasks those that no run before had done
 * @param isOver all of them have succeeded
 */
export function attemptsClause(
  attempts: NonNullable<Summary['attempts']>,
  { rest, isOver }: { rest: number; isOver: boolean },
): string {
  const last = attempts.at(-1);
  if (last === undefined) return '';
  const before = attempts.slice(0, -1);
  const isSum = attempts.reduce((sum, { ended }) => sum + ended, 0) === rest && last.ended < rest;
  const ran = `${isSum ? 'the other ' : ''}${counted(last.ended, 'task')}`;
  const told = before.length === 0 ? '' : ` Attempt ${last.attempt} ran ${ran}.`;
  if (last.lost.length === 0) return `${before.map(earlier).join('')}${told}`;
  const where = before.length === 0 ? '' : `in attempt ${last.attempt}, `;
  const over = isOver ? `; the others took over ${last.lost.length === 1 ? 'its' : 'their'} tasks` : '';
  return `${before.map(earlier).join('')}${told} ${sentence(`${where}${lostWords(last.lost)}${over}`)}`;
}

function earlier({ attempt, lost, ended, underWay = 0 }: NonNullable<Summary['attempts']>[number]): string {
  const gone =
    lost.length === 0
      ? ''
      : `lost ${nodesNamed(lost.map(({ node }) => node))} (${clock(lost[0]?.at ?? '')} UTC) and `;
  const done =
    ended + underWay === 0
      ? 'before any task began'
      : `with ${counted(ended, 'task')} ended and ${grouped(underWay)} under way`;
  return ` Attempt ${attempt} ${gone}stopped ${done}.`;
}

function lostWords(lost: readonly LostNode[]): string {
  const named = nodesNamed(lost.map(({ node }) => node));
  return lost.length === 1
    ? `${named} was lost at ${clock(lost[0]?.at ?? '')} UTC`
    : `${named} were lost, the first at ${clock(lost[0]?.at ?? '')} UTC`;
}
