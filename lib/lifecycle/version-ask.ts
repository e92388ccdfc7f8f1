/**
 * What somebody asks the chain of: a version of a model, the newest one where no version is said, or whatever a
 * digest names. Null fields were not said.
 */
export type VersionAsk = { model: string | null; version: string | null; digest: string | null };

const MODEL = '[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?';
const VERSION = '\\d{1,9}\\.\\d{1,9}\\.\\d{1,9}';
const OF_MODEL = new RegExp(`^(${MODEL})(?:\\s*@\\s*|\\s+)v?(${VERSION})$`);

/**
 * Reads `1.2.0`, `v1.2.0`, `bikes`, `bikes@v1.2.0`, `bikes v1.2.0` and a digest of 8 or more hex characters; null for
 * anything else.
 */
export function parseVersionAsk(text: string): VersionAsk | null {
  const asked = text.trim();
  const nothing = { model: null, version: null, digest: null };
  if (asked === '') return nothing;
  const [, version] = new RegExp(`^v?(${VERSION})$`).exec(asked) ?? [];
  if (version !== undefined) return { ...nothing, version };
  const digest = /^(?:sha256:)?([0-9a-f]{8,64})$/i.exec(asked)?.[1];
  if (digest !== undefined) return { ...nothing, digest: digest.toLowerCase() };
  const [, model, ofModel] = OF_MODEL.exec(asked) ?? [];
  if (model !== undefined && ofModel !== undefined) return { ...nothing, model, version: ofModel };
  return new RegExp(`^${MODEL}$`).test(asked) ? { ...nothing, model: asked } : null;
}
