// Judges templates by cdk-preflight's rules and by the engine's own schemas. argv: the folder that it is installed in, then a
// template each. Prints what is found as JSON.
import { createRequire } from 'node:module';

const [, , folder, ...templates] = process.argv;
const load = createRequire(`${folder}/`);
// Its plugin without an app of the CDK around it, which would only write the templates once more.
const { PreflightEnforcePlugin, loadEngine } = load('cdk-preflight/lib/private/enforce');
const { BUNDLED_RULES } = load('cdk-preflight/lib/rules.generated');
// The plugin calls a template fine when there is no engine.
if (loadEngine() === undefined) throw new Error('cdk-preflight has no engine');
const { violations } = new PreflightEnforcePlugin(BUNDLED_RULES, true).validate({
  region: 'eu-central-1',
  accountId: '123456789012',
  stackTemplates: templates.map((templatePath) => ({ templatePath, stackConstructPath: templatePath })),
});
console.log(JSON.stringify(violations));
