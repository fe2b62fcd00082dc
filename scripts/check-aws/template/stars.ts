/**
 * Lines of the template that have a `*` where a resource, a principal or an action stands and no comment in the
 * statement around it that says why.
 */
export function starsWithoutReason(template: string): number[] {
  const lines = template.split('\n');
  return lines.flatMap((line, index) => {
    if (!/(Resource|Action|Principal|AWS): "\*"|:(job|cluster|container-instance)\/\*/.test(line)) return [];
    const around = lines.slice(Math.max(0, index - 14), index + 1);
    const start = around.findLastIndex(
      (each, at) => at < around.length - 1 && /^\s*- /.test(each) && /Effect|Sid/.test(each),
    );
    // A statement on one line has its reason on the line before.
    const own = /^\s*- \{/.test(line) ? around.slice(-2) : around.slice(Math.max(0, start));
    return own.some((each) => /^\s*#/.test(each)) ? [] : [index + 1];
  });
}
