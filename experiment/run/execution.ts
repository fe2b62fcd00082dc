import * as z from 'zod';
import type { ManifestSource } from '../layout/run-id.ts';
import type { Plan } from '../plan/plan.ts';
import { executionSeconds } from '../plan/time-limits.ts';

const input = z.object({
  runId: z.string(),
  source: z.object({ bucket: z.string(), key: z.string(), version: z.string() }),
  timeoutSeconds: z.int(),
});

/** The execution's input. The same plan gives the same text, so that StartExecution of it twice is one execution. */
export function renderExecutionInput(plan: Pick<Plan, 'runId' | 'source' | 'timeouts' | 'retry'>): string {
  const { bucket, key, version } = plan.source;
  return JSON.stringify({
    runId: plan.runId,
    source: { bucket, key, version },
    timeoutSeconds: executionSeconds(plan),
  } satisfies z.infer<typeof input>);
}

/** The source that an execution was started for, or undefined when this system did not start it. */
export function sourceOfExecution(text: string | undefined): ManifestSource | undefined {
  try {
    return input.parse(JSON.parse(text ?? '')).source;
  } catch {
    return undefined; // Somebody else's input: the caller says so.
  }
}

/** `arn:…:stateMachine:<name>` and a run's id to the execution's ARN, which is a function of both. */
export function executionArn(stateMachineArn: string, runId: string): string {
  return `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${runId}`;
}
