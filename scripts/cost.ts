import type { Cost } from './cost/cost.ts';
import { costOfIdling, costOfRun } from './cost/cost.ts';

/** `npm run cost`: what the control plane counts and costs, for a run and for a month in which nobody does anything. */
const HOURS_A_MONTH = 730;

show('10 nodes × 1 h, without the instances', await costOfRun({ nodes: 10, hours: 1 }), 1);
show('an idle month, without what stands by itself (docs/costs.md)', await costOfIdling(1), HOURS_A_MONTH);

function show(title: string, { lines, counts }: Cost, times: number): void {
  console.log(`\n${title}`);
  for (const { what, count, usd } of lines)
    console.log(
      `  ${what.padEnd(28)} ${figure(count * times).padStart(12)}  ${cents(usd * times).padStart(9)}`,
    );
  const sum = lines.reduce((all, { usd }) => all + usd, 0);
  console.log(`  ${'in all'.padEnd(28)} ${''.padStart(12)}  ${cents(sum * times).padStart(9)}`);
  const calls = counts
    .all()
    .filter(([what]) => /^(function|node|invocation) /.test(what) || /^invocation of/.test(what));
  console.log(`  ${calls.map(([what, count]) => `${what} ${figure(count * times)}`).join(', ')}`);
}

function figure(count: number): string {
  return count.toLocaleString('en', { maximumFractionDigits: count < 10 ? 4 : 0 });
}

function cents(usd: number): string {
  return `${(100 * usd).toFixed(3)} ¢`;
}
