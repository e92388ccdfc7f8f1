import { readServing } from '#lib/records/serving.ts';
import { renderServing } from '../../templates/serving.ts';
import { DONE, type Handler, refused } from '../command.ts';

/** Rows of one reply; the terminal shows all. */
const MOST = 20;

/** `/history`: what served when, newest first, or at one instant. */
export const history: Handler<'history'> = async ({ project, policy }, { environment, model, at }) => {
  const found = await readServing(
    { records: project.state, tags: project.forge.tags },
    { environment, model },
  );
  const environments = new Set([...policy.environments.map(({ name }) => name), ...found.environments]);
  if (environment !== null && !environments.has(environment))
    return refused(`there is no environment ${environment}; there are ${[...environments].join(', ')}`);
  if (model !== null && !found.models.includes(model))
    return refused(`nothing is on record of ${model}; there are ${found.models.join(', ') || 'no models'}`);
  return { ...DONE, shown: renderServing(found, { at, environment, most: MOST }) };
};
