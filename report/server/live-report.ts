import { counted } from '../../experiment/text/numbers.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { html } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';
import { renderReport, reportParts, titleOf } from '../render.ts';
import { nodeRows, nodes } from '../sections/nodes/nodes.ts';
import { timelineExtent } from '../sections/timeline.ts';
import type { NewBars } from '../timeline/format.ts';
import { newBars } from '../timeline/new-bars.ts';
import { describeNode } from '../timeline/timeline.ts';
import type { Changes } from './changed-parts.ts';
import { ChangedParts } from './changed-parts.ts';
import type { RunSoFar } from './run-so-far.ts';

/** What a page that follows a run is told a second. */
export interface Step {
  /** Not the page's own: it is to be loaded again, for what it shows cannot be brought up to date piece by piece. */
  key: string;
  changes: Changes;
  bars: NewBars | undefined;
}

/** The run is looked at, and the parts made again, in at most this share of the time. */
const SHARE_OF_TIME = 1 / 10;

/** The report of a run as it goes on: whole for who begins to read it, and then what has changed. */
export class LiveReport {
  readonly #run: RunSoFar;
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #parts = new ChangedParts();
  #input: ReportInput;
  #nextAt = 0;
  #looking: Promise<void> | undefined;

  constructor(run: RunSoFar, clock: Clock, everyMs: number) {
    this.#run = run;
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#input = run.input(clock.now());
    this.#noteSections();
    this.#parts.note(this.#rows());
    this.#nextAt = clock.now() + everyMs;
  }

  get hasEnded(): boolean {
    return this.#run.hasEnded;
  }

  get isReplaced(): boolean {
    return this.#run.isReplaced;
  }

  /** As it is now, complete. */
  page(): string {
    return renderReport(this.#input, {
      key: this.#key(),
      version: this.#parts.version,
      tries: this.#input.tasks.tries.size,
    });
  }

  /** @param version, tries what the page knows */
  async step(version: number, tries: number): Promise<Step> {
    await this.look();
    const key = this.#key();
    const { live, tasks } = this.#input;
    const bars = live?.origin === undefined ? undefined : newBars(tasks, live.origin, tries);
    return { key, changes: this.#parts.since(version), bars };
  }

  /** However many ask: one look at a time, and none too soon after the last. */
  async look(): Promise<void> {
    if (this.#looking !== undefined) return this.#looking;
    const began = this.#clock.now();
    if (began < this.#nextAt) return;
    this.#looking = this.#run.look().then(() => {
      this.#input = this.#run.input(this.#clock.now());
      this.#noteSections();
      this.#parts.noteInTurn(this.#rows());
      const now = this.#clock.now();
      this.#nextAt = Math.max(began + this.#everyMs, now + (now - began) / SHARE_OF_TIME);
    });
    try {
      await this.#looking;
    } finally {
      this.#looking = undefined;
    }
  }

  #key(): string {
    const { live, summary } = this.#input;
    return [live?.origin, this.#run.isReplaced, this.hasEnded ? summary.outcome : ''].join();
  }

  #noteSections(): void {
    const input = this.#input;
    const sections = {
      ...reportParts(input),
      nodes: nodes(input, new Map()),
      timeline: html`${timelineExtent(input)} on ${counted(input.nodes.length, 'node')}.`,
    };
    this.#parts.note(Object.entries(sections).map(([name, markup]) => [name, markup?.text ?? '']));
    this.#parts.note([['title', titleOf(input)]]);
  }

  /** Of the nodes: in their table, and on the timeline. */
  #rows(): [id: string, text: string][] {
    const input = this.#input;
    const rows = [...nodeRows(input)].map(([id, { text }]): [string, string] => [id, text]);
    const origin = input.live?.origin;
    if (origin === undefined) return rows;
    const lanes = input.nodes.map((record): [string, string] => {
      const node = { record, name: `node ${record.index}`, address: record.address ?? '', lanes: [] };
      return [`lane-${record.index}`, JSON.stringify(describeNode(node, origin))];
    });
    return [...rows, ...lanes];
  }
}
