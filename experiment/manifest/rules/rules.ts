import type { Fault } from '../source/fault.ts';
import type { Source } from '../source/read.ts';
import { judgeCluster } from './cluster.ts';
import { judgeCommands } from './commands.ts';
import { judgeNamesAndTags, judgePrototype } from './environment-and-tags.ts';
import { judgeChoices } from './exactly-one.ts';
import type { Origin } from './paths.ts';
import { judgePaths } from './paths.ts';
import { Judged } from './rule-context.ts';
import { judgeSierra } from './sierra-options.ts';
import { judgeStock } from './stock-fan-out.ts';

export interface RuleFaults {
  faults: Fault[];
  warnings: Fault[];
}

/**
 * Rules between keys. They look at the plain document and not at the schema's result, so that they are told together with
 * the schema's faults; whatever is not of the right kind has been told there and is passed over here.
 */
export function ruleFaults(source: Source, document: unknown, origin: Origin): RuleFaults {
  const judged = new Judged(source, document);
  judgeChoices(judged);
  judgeCluster(judged);
  judgeCommands(judged);
  judgeSierra(judged);
  judgePaths(judged, origin);
  judgeNamesAndTags(judged);
  judgeStock(judged);
  judgePrototype(judged);
  return { faults: judged.faults, warnings: judged.warnings };
}
