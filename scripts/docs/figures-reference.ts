import { DEFINITIONS } from '../../experiment/figures/definitions.ts';

/** docs/figures.md: what each figure means, once for all places that show it. */
export function figuresReference(): string {
  const rows = DEFINITIONS.map(
    ({ figure, definition, unit, scope, unknown, shown, file }) =>
      `| [${figure}](../experiment/${file}) | ${definition} | ${unit} | ${scope} | ${unknown} | ${shown} |`,
  );
  return `# Figures

What each number means, and of what. They are functions of a run's records (\`joblog.tsv\`, \`progress.json\`, \`nodes.json\`, AWS
Batch's times), so that anybody can compute them again: \`test/experiment/figures/audit.py\` does, without a line of the product.
This page is made from \`experiment/figures/definitions.ts\`; \`npm run check\` says when it is not.

| figure | definition | unit | scope | unknown | shown |
|---|---|---|---|---|---|
${rows.join('\n')}

*This attempt*: tries that began since the job's last attempt did. *This run*: all its attempts. A run that resumes others is
given their rows of success; they stand first in its joblog and began before it was accepted.
`;
}
