import { hasMarker, type Marker, withMarker } from '#lib/formats/sticky.ts';
import { once } from './once.ts';
import type { Project } from './project.ts';

/** Opens an issue once: claimed before, and found again by its marker after a crash. */
export async function issueOnce(
  project: Project,
  {
    model,
    key,
    marker,
    text,
  }: { model: string; key: string; marker: Marker; text: () => { title: string; body: string } },
): Promise<void> {
  const { forge, bot } = project;
  await once(project, {
    key,
    find: async () => {
      const known = await forge.issues.list({ state: 'all', creator: bot });
      const mine = known.find(({ author, body }) => author.login === bot && hasMarker(body, marker));
      return mine ? String(mine.number) : null;
    },
    make: async () => {
      const { title, body } = text();
      return String((await forge.issues.create({ title, body: withMarker(marker, body) })).number);
    },
    told: (number) => ({
      event: 'issue opened',
      actor: bot,
      subject: `#${number}: ${text().title}`,
      model,
    }),
  });
}
