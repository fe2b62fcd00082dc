import type {
  ExecutionListItem,
  ListExecutionsCommandInput,
  ListExecutionsCommandOutput,
} from '@aws-sdk/client-sfn';
import { InvalidToken } from '@aws-sdk/client-sfn';
import type { ExecutionRecord } from './execution-record.ts';

const MOST_AT_ONCE = 1000;

/** A page of executions, newest first. @param records oldest first */
export function listExecutions(
  records: readonly ExecutionRecord[],
  { statusFilter, maxResults, nextToken }: ListExecutionsCommandInput,
): Pick<ListExecutionsCommandOutput, 'executions' | 'nextToken'> {
  // 0 and nothing both mean AWS's default of 100.
  const size = Math.min(maxResults || 100, MOST_AT_ONCE);
  // A token is the number of executions that were older: new ones do not shift the pages that follow.
  const before = nextToken === undefined ? records.length : Number(nextToken);
  if (!Number.isInteger(before) || before < 0 || before > records.length)
    throw new InvalidToken({
      message: `Invalid Token: '${nextToken}'`,
      $metadata: { httpStatusCode: 400 },
    });
  const page: ExecutionListItem[] = [];
  let at = before;
  for (; at > 0 && page.length < size; at -= 1) {
    const record = records[at - 1];
    if (record !== undefined && (statusFilter === undefined || record.status === statusFilter))
      page.push(listItem(record));
  }
  const more = records
    .slice(0, at)
    .some((record) => statusFilter === undefined || record.status === statusFilter);
  return { executions: page, ...(more ? { nextToken: String(at) } : {}) };
}

function listItem(record: ExecutionRecord): ExecutionListItem {
  return {
    executionArn: record.executionArn,
    stateMachineArn: record.stateMachineArn,
    name: record.name,
    status: record.status,
    startDate: new Date(record.startedAt),
    ...(record.stoppedAt === undefined ? {} : { stopDate: new Date(record.stoppedAt) }),
  };
}
