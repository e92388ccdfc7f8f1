import { Readable } from 'node:stream';
import { z } from 'zod';
import { actorLogin } from '../auth.ts';
import {
  type Answer,
  created,
  type Endpoint,
  list,
  noContent,
  ok,
  parseBody,
  type RepoCall,
  repo,
} from '../endpoint.ts';
import { refSha, ZERO } from '../git-refs.ts';
import { timestamp } from '../hub.ts';
import { changeRef } from '../refs.ts';
import { invalid, notFound, Refusal } from '../refusal.ts';
import type { Asset, Release } from '../rows/release.ts';
import { assetShape, releaseShape } from '../shapes/release.ts';
import { emit } from '../webhooks.ts';
import { resolveCommit } from './contents.ts';

const MAX_ASSET_BYTES = 2 * 1024 ** 3 - 1;
const MAX_ASSETS = 1000;
const FROZEN = 'Cannot upload assets to an immutable release.';

export const releases: Endpoint[] = [
  repo('GET /releases', 'contents=read', listReleases),
  repo('POST /releases', 'contents=write | write', createRelease),
  repo('GET /releases/latest', 'contents=read', latest),
  repo('GET /releases/tags/*', 'contents=read', byTag),
  repo('GET /releases/assets/:id', 'contents=read', getAsset),
  repo('DELETE /releases/assets/:id', 'contents=write | write', deleteAsset),
  repo('GET /releases/:id', 'contents=read', (call) => ok(shown(call, getRelease(call)))),
  repo('PATCH /releases/:id', 'contents=write | write', updateRelease),
  repo('DELETE /releases/:id', 'contents=write | write', deleteRelease),
  repo('GET /releases/:id/assets', 'contents=read', (call) => listAssets(call)),
];

/** Under `/api/uploads`, where bodies are bytes. */
export const uploads: Endpoint[] = [repo('POST /releases/:id/assets', 'contents=write | write', upload)];

function shown(call: RepoCall, release: Release) {
  return releaseShape(call.hub, call.repo, release);
}

/** Drafts are seen by those who may write only. */
function visible(call: RepoCall): Release[] {
  const writes = call.actor.kind === 'user' ? call.repo.collaborators[call.actor.login] : 'write';
  const all = call.hub.db.filter('releases', (one) => one.repository_id === call.repo.id);
  const seesDrafts =
    call.actor.kind !== 'anonymous' && writes !== undefined && writes !== 'read' && writes !== 'triage';
  return all.filter((one) => seesDrafts || !one.draft);
}

function listReleases(call: RepoCall): Answer {
  return list(call, visible(call).reverse(), (one) => shown(call, one));
}

function getRelease(call: RepoCall): Release {
  const found = visible(call).find(({ id }) => String(id) === call.params.id);
  if (!found) throw notFound();
  return found;
}

/** A draft has no tag yet: it is not found here. */
function byTag(call: RepoCall): Answer {
  const found = visible(call).find(({ tag_name, draft }) => !draft && tag_name === call.params['*']);
  if (!found) throw notFound();
  return ok(shown(call, found));
}

function latest(call: RepoCall): Answer {
  const published = visible(call).filter(({ draft, prerelease }) => !draft && !prerelease);
  const found = published.findLast((one) => one.latest) ?? published.at(-1);
  if (!found) throw notFound();
  return ok(shown(call, found));
}

const RELEASE = z.object({
  tag_name: z.string().min(1),
  target_commitish: z.string().optional(),
  name: z.string().nullable().optional(),
  body: z.string().nullable().optional(),
  draft: z.boolean().optional(),
  prerelease: z.boolean().optional(),
  make_latest: z.enum(['true', 'false', 'legacy']).optional(),
});

async function createRelease(call: RepoCall): Promise<Answer> {
  const { hub, actor } = call;
  const input = parseBody(call, RELEASE);
  checkTagFree(call, input.tag_name, undefined);
  const now = timestamp();
  const release: Release = {
    id: hub.db.nextId(),
    repository_id: call.repo.id,
    tag_name: input.tag_name,
    target_commitish: input.target_commitish ?? call.repo.default_branch,
    name: input.name ?? null,
    body: input.body ?? null,
    draft: input.draft ?? false,
    prerelease: input.prerelease ?? false,
    latest: false,
    author: actorLogin(actor),
    created_at: now,
    updated_at: now,
    published_at: null,
    assets: [],
  };
  if (!release.draft) await publish(call, release, input.make_latest);
  hub.db.put('releases', release.id, release);
  emitRelease(call, release, 'created');
  if (!release.draft) announcePublished(call, release);
  return created(shown(call, release));
}

function checkTagFree(call: RepoCall, tag: string, own: number | undefined): void {
  const taken = call.hub.db.find(
    'releases',
    (one) => one.repository_id === call.repo.id && one.tag_name === tag && !one.draft && one.id !== own,
  );
  if (taken) throw invalid({ resource: 'Release', code: 'already_exists', field: 'tag_name' });
  if (!call.repo.frozen_tags?.includes(tag)) return;
  const message = 'tag_name was used by an immutable release';
  throw invalid({ resource: 'Release', code: 'custom', field: 'tag_name', message });
}

/** Publishing without a tag makes a lightweight one; each release is the latest unless told. */
async function publish(call: RepoCall, release: Release, makeLatest: string | undefined): Promise<void> {
  const { hub, actor } = call;
  checkTagFree(call, release.tag_name, release.id);
  const ref = `refs/tags/${release.tag_name}`;
  if (!(await refSha(hub.git(call.repo), ref))) {
    const sha = await resolveCommit(hub, call.repo, release.target_commitish);
    if (!sha) throw invalid({ resource: 'Release', code: 'invalid', field: 'target_commitish' });
    await changeRef({ hub, repo: call.repo, actor, update: { ref, before: ZERO, after: sha } });
  }
  Object.assign(release, {
    draft: false,
    published_at: timestamp(),
    latest: makeLatest !== 'false' && !release.prerelease,
    ...(call.repo.immutable_releases ? { immutable: true } : {}),
  });
  if (release.immutable) {
    const frozen_tags = [...(call.repo.frozen_tags ?? []), release.tag_name];
    hub.db.put('repositories', call.repo.id, Object.assign(call.repo, { frozen_tags }));
  }
  if (!release.latest) return;
  for (const other of hub.db.filter(
    'releases',
    (one) => one.repository_id === call.repo.id && one.latest && one.id !== release.id,
  )) {
    hub.db.put('releases', other.id, Object.assign(other, { latest: false }));
  }
}

function emitRelease(call: RepoCall, release: Release, action: string): void {
  const { hub } = call;
  const payload = { release: shown(call, release) };
  emit(hub, { repo: call.repo, event: 'release', action, sender: actorLogin(call.actor), payload });
}

function announcePublished(call: RepoCall, release: Release): void {
  emitRelease(call, release, 'published');
  emitRelease(call, release, 'released');
}

async function updateRelease(call: RepoCall): Promise<Answer> {
  const former = getRelease(call);
  const input = parseBody(call, RELEASE.partial());
  if (input.tag_name && input.tag_name !== former.tag_name) {
    refuseFrozen(former, 'Cannot change the tag of an immutable release.');
    checkTagFree(call, input.tag_name, former.id);
  }
  const { tag_name, target_commitish, name, body, prerelease } = input;
  const given = Object.fromEntries(
    Object.entries({ tag_name, target_commitish, name, body, prerelease }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  const release: Release = { ...former, ...given, updated_at: timestamp() };
  const publishes = former.draft && input.draft === false;
  if (publishes) await publish(call, release, input.make_latest);
  call.hub.db.put('releases', release.id, release);
  if (publishes) announcePublished(call, release);
  else emitRelease(call, release, 'edited');
  return ok(shown(call, release));
}

function deleteRelease(call: RepoCall): Answer {
  const release = getRelease(call);
  call.hub.db.remove('releases', release.id);
  emitRelease(call, release, 'deleted');
  return noContent();
}

function listAssets(call: RepoCall): Answer {
  const release = getRelease(call);
  return list(call, release.assets, (asset) =>
    assetShape({ hub: call.hub, repo: call.repo, release, asset }),
  );
}

/**
 * GitHub docs, code-security/concepts/supply-chain-security/immutable-releases. The words for uploads are those of
 * softprops/action-gh-release#653, the others are assumed (docs/real-github-check.md, A23).
 */
function refuseFrozen(release: Release, message: string): void {
  if (release.immutable) throw new Refusal(422, message);
}

async function upload(call: RepoCall): Promise<Answer> {
  const { hub } = call;
  const before = getRelease(call);
  refuseFrozen(before, FROZEN);
  const name = (call.query.name ?? '').replace(/[^\w.+@~-]+/g, '.');
  if (!name) throw new Refusal(400, 'Bad request: name is required');
  const taken = () => invalid({ resource: 'ReleaseAsset', code: 'already_exists', field: 'name' });
  if (before.assets.some((one) => one.name === name)) throw taken();
  if (before.assets.length >= MAX_ASSETS)
    throw invalid({ resource: 'ReleaseAsset', code: 'custom', message: 'too many assets' });
  const body = call.request.body instanceof Readable ? call.request.body : call.request.raw;
  const { sha256, size } = await hub.blobs.write(body, MAX_ASSET_BYTES);
  // The bytes took their time: the release may be another row by now.
  const release = getRelease(call);
  refuseFrozen(release, FROZEN);
  if (release.assets.some((one) => one.name === name)) throw taken();
  const asset: Asset = {
    id: hub.db.nextId(),
    name,
    label: call.query.label ?? null,
    content_type: call.request.headers['content-type'] ?? 'application/octet-stream',
    size,
    sha256,
    uploader: actorLogin(call.actor),
    download_count: 0,
    created_at: timestamp(),
  };
  release.assets.push(asset);
  hub.db.put('releases', release.id, release);
  return created(assetShape({ hub, repo: call.repo, release, asset }));
}

function findAsset(call: RepoCall): { release: Release; asset: Asset } {
  for (const release of visible(call)) {
    const asset = release.assets.find(({ id }) => String(id) === call.params.id);
    if (asset) return { release, asset };
  }
  throw notFound();
}

function getAsset(call: RepoCall): Answer {
  const { release, asset } = findAsset(call);
  if (!/application\/octet-stream/.test(call.request.headers.accept ?? '')) {
    return ok(assetShape({ hub: call.hub, repo: call.repo, release, asset }));
  }
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(asset.size),
    'content-disposition': `attachment; filename=${asset.name}`,
  };
  return { status: 200, body: call.hub.blobs.read(asset.sha256), headers };
}

function deleteAsset(call: RepoCall): Answer {
  const { release, asset } = findAsset(call);
  refuseFrozen(release, 'Cannot delete assets of an immutable release.');
  release.assets = release.assets.filter((one) => one !== asset);
  call.hub.db.put('releases', release.id, release);
  return noContent();
}
