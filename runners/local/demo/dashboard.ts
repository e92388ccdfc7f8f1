import { versions } from './scenes.ts';
import type { Stage } from './stage.ts';
import { until } from './wait.ts';

export type Dashboard = { url: string; fulfilled: number; total: number };

const APP = 'roundhouse[bot]';

/** The model's dashboard issue, once it shows the newest version; how much of the checklist it says is on record. */
export async function dashboardOf(stage: Stage): Promise<Dashboard> {
  const { people, timeline, expectations, model } = stage;
  const newest = (await versions(stage)).at(-1);
  const wanted = newest === undefined ? 'No version is registered yet.' : `\n| v${newest} |`;
  const title = `Model dashboard: ${model}`;
  const { url, body } = await until(
    'the dashboard to show the newest version',
    async () =>
      (await people.mlLead.issues('all')).find((one) => one.title === title && one.body.includes(wanted)),
    { timeline },
  );
  const all = (await people.mlLead.issues('all')).filter((one) => one.title === title);
  expectations.expect(
    'the model has one dashboard, by the app',
    all.length === 1 && all[0]?.author === APP,
    all.map(({ number, author }) => ({ number, author })),
  );
  const [, fulfilled, total] = /<summary>Checklist, (\d+) of (\d+)<\/summary>/.exec(body) ?? [];
  const ticked = body.match(/^- ✅ [A-Z]-C\d /gmu)?.length ?? 0;
  expectations.expect(
    'the dashboard has the 29 items of the checklist, and counts those that are on record',
    Number(total) === 29 && Number(fulfilled) === ticked && (newest === undefined || ticked > 0),
    { fulfilled, total, ticked },
  );
  return { url, fulfilled: ticked, total: Number(total) };
}
