/**
 * The lines of a node's log for people: `22:55:01.703Z  Node:Joined  index=1 address=127.0.0.3`. What SIERRA and the closing command say is shown as
 * they said it, and what is no event of the runner as it stands.
 */
export function readableLog(text: string): string {
  return text.split('\n').map(readableLine).join('\n');
}

function readableLine(line: string): string {
  const record = recordIn(line);
  if (record === undefined) return line;
  const { time, event, level, self: _, ...fields } = record;
  if (typeof time !== 'string' || typeof event !== 'string') return line;
  const grave = typeof level === 'number' && level > INFO ? '! ' : '';
  const rest = event.endsWith(':Says') && typeof fields.line === 'string' ? fields.line : pairs(fields);
  return `${time.slice(11)}  ${grave}${event}  ${rest}`.trimEnd();
}

/** Of pino's levels. */
const INFO = 30;

function recordIn(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined; // cut off, or not the runner's
  }
}

function pairs(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .map(
      ([key, value]) =>
        `${key}=${typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)}`,
    )
    .join(' ');
}
