import type { ExperimentRuns } from '../records/progress.ts';
import { sierraRunOf } from '../sierra/run-command.ts';
import type { JoblogRow } from './joblog.ts';
import { succeeded } from './joblog.ts';

/** Where in the batch root the outputs of runs that are not whole are kept, beside `exp-outputs`. */
export const SET_ASIDE = 'exp-failed';

/**
 * Which runs of a SIERRA batch are whole: those of which every command ended well, by the final rows of its joblog. SIERRA
 * itself takes into its statistics whatever lies in `exp-outputs`, the first rows of a run that died too.
 */
export class WholeRuns {
  /** Commands that name no run: the outputs of one that failed cannot be told from a whole run's. */
  readonly unnamed = { all: 0, failed: 0 };
  readonly #experiments = new Map<string, Map<string, boolean>>();

  /** One line of the batch's `commands.txt`, with the final row of its number. */
  judge(command: string, row: JoblogRow | undefined): void {
    // Another command under the same number has not been run.
    const isWhole = row !== undefined && succeeded(row) && row.command.trim() === command.trim();
    const run = sierraRunOf(command);
    if (run === undefined) {
      this.unnamed.all += 1;
      if (!isWhole) this.unnamed.failed += 1;
      return;
    }
    const runs = this.#experiments.get(run.experiment) ?? new Map<string, boolean>();
    this.#experiments.set(run.experiment, runs);
    const folder = run.output.slice(run.output.lastIndexOf('/') + 1);
    runs.set(folder, isWhole && runs.get(folder) !== false);
  }

  /** Whether a folder below `exp-outputs/<experiment>` holds a whole run's outputs; undefined where nobody can tell. */
  isWhole(experiment: string, folder: string): boolean | undefined {
    return this.#experiments.get(experiment)?.get(folder) ?? (this.unnamed.all > 0 ? undefined : false);
  }

  experiments(): ExperimentRuns[] {
    return [...this.#experiments].map(([experiment, runs]) => ({
      experiment,
      whole: [...runs.values()].filter((isWhole) => isWhole).length,
      runs: runs.size,
    }));
  }
}
