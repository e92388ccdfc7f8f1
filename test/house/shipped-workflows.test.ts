import { expect, test } from 'vitest';
import { parseWorkflowFile } from '../../runners/local/jobs/workflow.ts';
import { repositoryFiles } from '../../templates/repository.ts';
import { options } from '../formats/bikes.ts';

const workflows = repositoryFiles(options).filter(({ path }) => path.startsWith('.github/workflows/'));

test.each(workflows)('the parser of GitHub’s own services reads $path', async ({ path, text }) => {
  const parsed = await parseWorkflowFile(path, text);
  expect(parsed).toMatchObject({ ok: true });
});

test('and it tells a key that is not there', async () => {
  const text = workflows[0]?.text.replace('timeout-minutes', 'timeout-minuets') ?? '';
  expect(await parseWorkflowFile('roundhouse.yml', text)).toMatchObject({
    ok: false,
    errors: [expect.stringContaining('timeout-minuets')],
  });
});
