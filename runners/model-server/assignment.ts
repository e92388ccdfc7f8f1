import { createHash } from 'node:crypto';

/**
 * Which version answers a unit (a user, an entity, else the request): the same one as long as the weights
 * stand. Of two versions, a unit that the growing one has stays with it. Null when nothing takes traffic.
 */
export function assign<Version extends { weight: number }>(
  versions: readonly Version[],
  unit: { model: string; id: string },
): Version | null {
  const total = versions.reduce((sum, { weight }) => sum + weight, 0);
  const hash = createHash('sha256').update(`${unit.model}:${unit.id}`).digest().readUInt32BE(0);
  let rest = (hash / 2 ** 32) * total;
  for (const version of versions) {
    if (rest < version.weight) return version;
    rest -= version.weight;
  }
  return null;
}
