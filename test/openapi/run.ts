import { githubDescription } from './description.ts';
import { type Driven, drive } from './drive.ts';
import { usedEndpoints } from './used.ts';
import { type ApiVersion, openValidator, type Validator } from './validator.ts';

/** What the local GitHub answers and sends, held against GitHub's own OpenAPI description, in both versions of the API. */
async function main(): Promise<void> {
  const description = githubDescription();
  const operations = Object.values(description.paths).flatMap((path) => Object.keys(path ?? {})).length;
  console.log(`OpenAPI description ${description.info.version} (API 2022-11-28): ${operations} operations`);
  let failed = 0;
  for (const version of ['2022-11-28', '2026-03-10'] satisfies ApiVersion[]) {
    const validator = openValidator(description, version);
    const driven = await drive(version);
    // A delivery has no version: nobody asked for it.
    const sent = version === '2022-11-28' ? deliveryFaults(driven, validator) : [];
    const faults = [...answerFaults(driven, validator), ...sent];
    const undriven = missingEndpoints(driven, validator);
    const { answers, deliveries } = driven;
    console.log(
      `${version}: ${answers.length} answers, ${deliveries.length} deliveries, ${faults.length} faults`,
    );
    for (const line of [...faults, ...undriven]) console.log(`  ${line}`);
    failed += faults.length + undriven.length;
  }
  process.exitCode = failed === 0 ? 0 : 1;
}

function answerFaults({ answers }: Driven, validator: Validator): string[] {
  const faults = answers.flatMap((answer) => {
    const name = validator.operation(answer.method, answer.path) ?? `${answer.method} ${answer.path}`;
    return validator.answer(answer).map((fault) => `${name} ${answer.status}: ${fault}`);
  });
  return [...new Set(faults)];
}

function deliveryFaults({ deliveries }: Driven, validator: Validator): string[] {
  const faults = deliveries.flatMap(({ event, body }) => {
    const payload = JSON.parse(body) as { action?: string };
    const name = [event, payload.action].filter(Boolean).join('.');
    const found = validator.delivery(event, payload.action, payload) ?? ['is not described'];
    return found.map((fault) => `delivery ${name}: ${fault}`);
  });
  return [...new Set(faults)];
}

/** What the product asks and was not answered well here. */
function missingEndpoints({ answers }: Driven, validator: Validator): string[] {
  const answered = answers.filter(({ status }) => status < 400);
  const driven = new Set(answered.map(({ method, path }) => validator.operation(method, path)));
  return [...usedEndpoints()]
    .filter(([name]) => !driven.has(name))
    .map(
      ([name, files]) => `${name} is asked by ${files.join(', ')} and was not answered: add it to drive.ts`,
    );
}

await main();
