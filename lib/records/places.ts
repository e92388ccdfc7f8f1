import type { Place } from '#lib/lifecycle/checklist/facts.ts';
import { recordPath } from './records.ts';

/**
 * Where evidence lies, as a person finds it. `repository` is the address of the repository's page; null in a clone
 * whose origin is not known to have one: then branch and path are named.
 */
export function linkOf(
  place: Place,
  { model, repository, branch }: { model: string; repository: string | null; branch: string },
): { text: string; url: string | null } {
  if (place.kind === 'url') return { text: place.url, url: place.url };
  if (place.kind === 'pull-request')
    return { text: `#${place.number}`, url: repository && `${repository}/pull/${place.number}` };
  const [ref, path] = place.kind === 'file' ? [branch, place.path] : ['roundhouse', pathOf(place, model)];
  return { text: `${ref}:${path}`, url: repository && `${repository}/blob/${ref}/${path}` };
}

type RecordPlace = Exclude<Place, { kind: 'url' | 'pull-request' | 'file' }>;

function pathOf(place: RecordPlace, model: string): string {
  switch (place.kind) {
    case 'evidence':
      return recordPath.evidence(place.digest);
    case 'registration':
      return recordPath.registration(model, place.version);
    case 'record':
      return place.path;
    case 'deployment':
      return recordPath.deployment(model, place.environment, place.n);
    case 'window': {
      const { as_of, asked_by, run } = place.record;
      return asked_by === null
        ? recordPath.monitor(model, as_of)
        : recordPath.monitorAsked(model, as_of, run.id);
    }
  }
}
