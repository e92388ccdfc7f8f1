import { approve, candidateFigures, deployed, gateOf, mergeWhenGreen, versions } from './scenes.ts';
import { PRODUCTION, type Stage } from './stage.ts';
import { until } from './wait.ts';

/** Problem issue -> reply -> approval -> definition pull request -> merge. Gives the issue's number. */
export async function defineProblem(stage: Stage): Promise<number> {
  const { people, timeline, expectations } = stage;
  const { issue } = stage.case;
  const at = stage.case.opening.toISOString();
  timeline.chapter('1  Problem definition');
  const opened = await people.productOwner.openIssue({ ...issue, labels: ['ml-problem'] });
  timeline.event({
    at,
    who: people.productOwner.login,
    what: `opens issue #${opened.number}: ${issue.title}`,
    link: opened.url,
  });
  await approve(people.mlLead, { stage, number: opened.number, at }, 'the problem');
  const definition = await until(
    'the definition pull request',
    async () =>
      (await people.mlLead.pulls('open')).find(
        ({ headRef }) => headRef === `roundhouse-define-${stage.model}`,
      ),
    { timeline },
  );
  timeline.event({
    at,
    who: 'roundhouse',
    what: `opens #${definition.number}: ${definition.title}`,
    link: definition.url,
  });
  await mergeWhenGreen(people.productOwner, { stage, number: definition.number, at });
  expectations.expect(
    'the definition pull request is by the app',
    definition.author === 'roundhouse[bot]',
    definition.author,
  );
  const ours = async () =>
    (await people.mlLead.issues('all')).filter(({ labels }) => labels.includes(`model:${stage.model}`));
  const tracked = await until(
    'the tracking issue',
    async () => (await ours()).find(({ title }) => title === `${stage.model}: from problem to production`),
    { timeline },
  );
  const tasks = (await ours()).filter(({ labels }) => labels.some((label) => label.startsWith('stage:')));
  timeline.event({
    at,
    who: 'roundhouse',
    what: `opens #${tracked.number}: ${tracked.title}`,
    figures: `${tasks.length} tasks`,
    link: tracked.url,
  });
  expectations.expect(
    'a task for each stage tracks the problem',
    tasks.length === 6,
    tasks.map(({ title }) => title),
  );
  expectations.expect(
    'a definition registers nothing',
    (await versions(stage)).length === 0,
    await versions(stage),
  );
  return opened.number;
}

/**
 * Data and model pull request -> data, train, evaluate -> card -> approval -> merge -> v1.0.0 in production.
 * False where the gates refuse the candidate: then nothing is registered and nothing serves.
 */
export async function firstVersion(stage: Stage): Promise<boolean> {
  const { people, timeline, expectations, model } = stage;
  const { first, opening } = stage.case;
  const at = opening.toISOString();
  timeline.chapter('2  Data and model');
  const branch = `${model}-first-model`;
  await first.push(stage, branch);
  const pull = await people.dataScientist.openPull({ title: first.title, head: branch, body: first.body });
  timeline.event({
    at,
    who: people.dataScientist.login,
    what: `opens #${pull.number}: ${first.brings}`,
    link: pull.url,
  });
  const asked = await gateOf(people.mlLead, pull.number, ['action_required', 'failure'], stage);
  if (await refused(stage, asked, at)) return false;
  timeline.event({
    at,
    who: 'roundhouse',
    what: `has trained and judged the candidate of #${pull.number}`,
    figures: await candidateFigures(stage, asked.headSha),
    link: pull.url,
  });
  await approvals(stage, pull.number, at);
  const merged = await mergeWhenGreen(people.mlLead, { stage, number: pull.number, at });
  await expectVersion(stage, '1.0.0', at);
  timeline.chapter('3  Deployment');
  const rollout = await deployed(stage, merged.sha);
  timeline.event({
    at,
    who: 'roundhouse',
    what: `${model}@v1.0.0 in ${PRODUCTION}: ${rollout.state}`,
    figures: rollout.description,
  });
  expectations.expect('v1.0.0 is deployed', rollout.state === 'success', rollout);
  return true;
}

/** A candidate that the gates refuse: people close its pull request, and what serves stays. */
export async function refused(
  stage: Stage,
  { number, url, gate, conclusion }: { number: number; url: string; gate: string; conclusion: string },
  at: string,
): Promise<boolean> {
  if (conclusion !== 'failure') return false;
  const { timeline, people } = stage;
  timeline.event({ at, who: 'roundhouse', what: `refuses #${number}: ${gate}`, link: url });
  await people.mlLead.close(number);
  timeline.event({ at, who: people.mlLead.login, what: `closes #${number}: what serves stays` });
  return true;
}

/** Approves as often as the app asks: once for a passed verdict, once more by the gate's owner where it is inconclusive. */
export async function approvals(stage: Stage, number: number, at: string): Promise<void> {
  const { people } = stage;
  await approve(people.mlLead, { stage, number, at }, 'the candidate');
  const gate = await until(
    'the approval to be counted',
    async () => {
      const pull = await people.mlLead.pull(number);
      const checks = await people.mlLead.checks(pull.headSha);
      const found = checks['roundhouse/gate'];
      const counted =
        found?.conclusion === 'success' || /1 of 2|inconclusive|one more/i.test(found?.title ?? '');
      return counted ? found : undefined;
    },
    { timeline: stage.timeline },
  );
  if (gate.conclusion === 'success') return;
  await approve(people.productOwner, { stage, number, at }, 'the inconclusive verdict, as the gate owner');
}

/** The registry has the version: an annotated tag and a published release with the bundle as assets. */
export async function expectVersion(stage: Stage, version: string, at: string): Promise<void> {
  const tag = `${stage.model}@v${version}`;
  const release = await until(
    `release ${tag}`,
    async () => (await stage.people.mlLead.releases()).find((one) => one.tag === tag && !one.draft),
    { timeline: stage.timeline },
  );
  stage.timeline.event({
    at,
    who: 'roundhouse',
    what: `registers ${tag}`,
    figures: `${release.assets.length} assets`,
    link: release.url,
  });
  stage.expectations.expect(
    `release ${tag} carries the model`,
    release.assets.includes('model.onnx'),
    release.assets,
  );
}
