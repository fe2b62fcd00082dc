import type { Price } from '../deployment/price.ts';
import { costSpoken, roundedUp } from '../deployment/price.ts';
import { dollars, mostNodeHoursSpoken, nodeHoursSpoken } from '../text/numbers.ts';
import type { Plan } from './plan.ts';
import { COLLECT_SECONDS } from './plan.ts';
import { attemptSeconds } from './time-limits.ts';

type Bounds = Pick<Plan, 'cluster' | 'retry' | 'timeouts' | 'maxNodeHours'> & { price?: Price | undefined };

/** Settle ends a run that node 0 did not end at its budget, so much later. */
export const BUDGET_GRACE_SECONDS = 180;

/** The most node-hours that a run can take: all attempts with all the time that Batch gives each, or its budget and what its end takes. */
export function mostNodeHoursOf({ cluster, retry, timeouts, maxNodeHours }: Bounds): number {
  const hoursOf = (seconds: number) => (cluster.nodes * seconds) / 3600;
  const most = hoursOf(retry.attempts * attemptSeconds(timeouts));
  if (maxNodeHours === undefined) return most;
  return Math.min(most, maxNodeHours + hoursOf(BUDGET_GRACE_SECONDS + COLLECT_SECONDS));
}

/** `at most 12.4 node-hours; ≈ 9.05 USD, on-demand list price of c6i.4xlarge, eu-west-1` */
export function mostSpoken(plan: Bounds): string {
  const most = mostNodeHoursOf(plan);
  const isBudget = plan.maxNodeHours !== undefined && most > plan.maxNodeHours;
  const budget = isBudget ? ' (the budget, and what the end of a run may take)' : '';
  return `at most ${mostNodeHoursSpoken(most)}${budget}; ${costSpoken(most, plan.price, { isBound: true })}`;
}

/** Where nothing is paid and no budget ends a run, the most that it can take is of no use. */
export function mostSentence(plan: Bounds): string {
  const isFree = plan.price?.kind === 'free' && plan.maxNodeHours === undefined;
  return isFree ? `It ${costSpoken(0, plan.price)}.` : `It takes ${mostSpoken(plan)}.`;
}

/** `≈ 3.40 USD so far, at most 9.06 USD`; in node-hours where no price is known, and why nothing is paid where nothing is. */
export function spentSpoken(nodeHours: number, plan: Bounds): string {
  const most = mostNodeHoursOf(plan);
  switch (plan.price?.kind) {
    case 'known': {
      const { usdAnHour } = plan.price;
      return `≈ ${dollars(nodeHours * usdAnHour)} so far, at most ${dollars(roundedUp(most * usdAnHour))}`;
    }
    case 'free':
      return costSpoken(nodeHours, plan.price);
    case 'unknown':
    case undefined:
      return `${nodeHoursSpoken(nodeHours)} so far, at most ${mostNodeHoursSpoken(most)}`;
  }
}
