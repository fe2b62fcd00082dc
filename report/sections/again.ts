import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Markup } from '../page/html.ts';
import { html } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';
import { fileLink, runLink } from '../page/links.ts';
import { shortened } from '../page/short-text.ts';

/** A manifest is at most a mebibyte; a report shows this much of one. */
const LONGEST = 256 * 1024;

/** The manifest, and how to run it again or go on with what is missing. */
export function again(input: ReportInput): Markup {
  const { summary, run, manifest } = input;
  const keys = runKeys(summary.runId);
  const partial =
    input.live === undefined && summary.tasks.succeeded > 0 && summary.tasks.succeeded < summary.tasks.total;
  const file = (name: string) => fileLink(name, name, `aws s3 cp s3://${run.bucket}/${keys.folder}${name} .`);
  const ended = input.live === undefined ? ['tasks.csv', 'tasks.parquet', 'summary.json'] : [];
  return html`<section class="long">
<h2>Run it again</h2>
<ol class="steps">
<li>Run it again: save the manifest below as <code>${fileName(run.manifestKey)}</code> and type <code>sierra-batch submit ${fileName(run.manifestKey)}</code>, or drop it under <code>manifests/</code> in the bucket again. What the job did exactly is in ${file('plan.json')}${run.resume !== undefined && html`; it went on with ${runLink(run.resume)}`}${run.image !== undefined && html`; its image was <code>${run.image}</code>`}.</li>
${partial && html`<li>Only what is missing or failed: add the line <code>resume: ${summary.runId}</code> to it first, or type <code>sierra-batch resume ${summary.runId}</code>.</li>`}
<li>Everything is in the bucket <code>${run.bucket}</code> under <code>${keys.folder}</code>: outputs, logs, and every task’s line in ${file('joblog.tsv')}${ended.map((name) => html`, ${file(name)}`)}; <a class="file" href="../../runs.html" data-command="sierra-batch runs">all runs</a>. <code>sierra-batch fetch ${summary.runId}</code> brings the outputs here and compares every file with its hash.</li>
</ol>
<details open><summary>The manifest, as it was dropped at <code>${run.manifestKey}</code></summary>
<pre tabindex="0">${shortened(manifest, LONGEST)}</pre></details>
</section>`;
}

function fileName(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
