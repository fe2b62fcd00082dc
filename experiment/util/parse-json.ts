/**
 * What a stored text says as JSON: null where there is no text, undefined where it is none of ours. Half a record tells as
 * much as none, and tasks can write into a run's folder: whoever reads checks the shape.
 */
export function parsedJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}
