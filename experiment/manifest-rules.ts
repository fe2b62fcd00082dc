import type { Fault } from './faults.ts';
import { judgeChoices } from './manifest-rules/choices.ts';
import { judgeCluster } from './manifest-rules/cluster.ts';
import { judgeCommands } from './manifest-rules/commands.ts';
import { Judged } from './manifest-rules/judged.ts';
import { judgeNamesAndTags, judgePrototype } from './manifest-rules/names-and-tags.ts';
import type { Origin } from './manifest-rules/paths.ts';
import { judgePaths } from './manifest-rules/paths.ts';
import { judgeSierra } from './manifest-rules/sierra.ts';
import { judgeStock } from './manifest-rules/stock.ts';
import type { Source } from './manifest-source.ts';

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
