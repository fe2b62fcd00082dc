import { costSpoken } from '../../experiment/deployment/price.ts';
import { counted, grouped, nodeHoursSpoken, percent, spoken } from '../../experiment/text/numbers.ts';
import type { Markup } from '../page/html.ts';
import { html } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';

/** The run in numbers. */
export function facts(input: ReportInput): Markup {
  const { summary, run } = input;
  const { tasks, timings, utilisation, nodeHours } = summary;
  // SIERRA's stages from the third on have none.
  const hasTasks = tasks.total > 0;
  return html`<dl class="facts">
${hasTasks ? fact('Tasks', `${grouped(tasks.succeeded)} of ${grouped(tasks.total)}`, taskRemarks(input)) : fact('Tasks', '0', 'none was started')}
${fact('Nodes', `${grouped(run.nodes)} × ${counted(run.slots, 'slot')}`, `${counted(run.vcpus, 'vCPU')}, ${memory(run.memoryMiB)} each${run.instanceType === undefined ? '' : `, ${run.instanceType}`}`)}
${fact('Tasks took', hasTasks ? time(timings.runSeconds) : '–', waits(input))}
${fact('Node-hours', nodeHoursSpoken(nodeHours).replace(/ .*/, ''), cost(input))}
${fact('Busy', utilisation === null || !hasTasks ? '–' : percent(utilisation), `of the slots’ time${input.attemptStart === undefined ? '' : ' in the last attempt'}`)}
</dl>`;
}

function fact(name: string, value: string, remark: Markup | string): Markup {
  return html`<div><dt>${name}</dt><dd>${value}<small>${remark}</small></dd></div>`;
}

function taskRemarks({ summary: { tasks } }: ReportInput): Markup | string {
  const { retried, lost = 0, cutOff = 0, notStarted, before = 0 } = tasks;
  const left = tasks.total - tasks.succeeded - tasks.failed;
  const bad = [
    ...(tasks.failed > 0 ? [`${grouped(tasks.failed)} failed`] : []),
    ...(lost > 0 ? [`${grouped(lost)} lost`] : []),
    ...(cutOff > 0 ? [`${grouped(cutOff)} cut off`] : []),
  ].join(', ');
  const plain = [
    ...(before > 0 ? [`${grouped(before)} done before`] : []),
    ...(retried !== null && retried > 0 ? [`${grouped(retried)} retried`] : []),
    ...(left > 0 && notStarted === undefined ? [`${grouped(left)} not finished`] : []),
    ...(notStarted !== undefined && notStarted > 0 ? [`${grouped(notStarted)} not started`] : []),
  ].join(', ');
  if (bad === '' && plain === '') return 'succeeded';
  return html`${bad !== '' && html`<span class="bad">${bad}</span>`}${bad !== '' && plain !== '' && ', '}${plain}`;
}

function waits({ summary: { timings } }: ReportInput): string {
  return [
    ...(timings.queuedSeconds === null ? [] : [`queued and starting ${spoken(timings.queuedSeconds)}`]),
    ...(timings.joinSeconds === null ? [] : [`joined in ${spoken(timings.joinSeconds)}`]),
  ].join(', ');
}

/** A released or lost node may cost nothing any more before its job ends: nobody has proved it. */
function cost({ summary: { nodeHours, nodes }, run }: ReportInput): string {
  const isUpTo = nodes.length > 1 && nodes.some(({ state }) => state === 'lost' || state === 'never-came');
  return `${isUpTo ? 'up to: ' : ''}nodes × time until the job’s end; ${costSpoken(nodeHours, run.price)}`;
}

function time(seconds: number | null): string {
  return seconds === null ? '–' : spoken(seconds);
}

function memory(mebibytes: number): string {
  return mebibytes % 1024 === 0 ? `${mebibytes / 1024} GiB` : `${grouped(mebibytes)} MiB`;
}
