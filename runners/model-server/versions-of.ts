import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RoutedVersion, Serving } from './served-model.ts';

/** Pins a version; such a request is a probe: neither logged nor counted. */
export const VERSION_HEADER = 'x-roundhouse-version';

export type Params = { Params: { name: string; version?: string } };
export type ModelRequest = FastifyRequest<Params>;

/** The versions that a request is about: all of the model, or the one it names; null = answered with 404. */
export function versionsOf(
  serving: Serving,
  request: ModelRequest,
  reply: FastifyReply,
): readonly RoutedVersion[] | null {
  const { name, version } = request.params;
  const versions = serving.models.get(name);
  if (versions === undefined) {
    reply.code(404).send({ error: `model "${name}" is not served here` });
    return null;
  }
  const pinned = version ?? request.headers[VERSION_HEADER];
  if (pinned === undefined) return versions;
  const named = versions.filter((candidate) => candidate.version === pinned);
  if (named.length > 0) return named;
  reply.code(404).send({ error: `version ${JSON.stringify(pinned)} of model "${name}" is not served here` });
  return null;
}

export function busyReply(
  reply: FastifyReply,
  { message, retryAfter }: { message: string; retryAfter: number },
) {
  return reply.code(503).header('retry-after', retryAfter).send({ error: message });
}
