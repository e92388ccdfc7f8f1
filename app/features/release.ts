import { findAnchors, printAnchor } from '#lib/formats/audit-log.ts';
import { canonicalJson, digestOf, hexOf } from '#lib/formats/digest.ts';
import { render } from '#lib/formats/markdown.ts';
import { hasMarker, withMarker } from '#lib/formats/sticky.ts';
import type { Release } from '#lib/github/releases.ts';
import { bundleSchema } from '#lib/lifecycle/bundle.ts';
import type { RegisteredVersion } from '#lib/lifecycle/registry.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { type ModelHistory, readHistory, readJudged } from '#lib/records/model-history.ts';
import { loadTemplate } from '../../templates/load.ts';
import type { MainTree } from '../main-tree.ts';
import { type ModelTree, readTree } from '../model-tree.ts';
import { once } from '../once.ts';
import { readOverrides } from '../overrides.ts';
import type { Project } from '../project.ts';

/**
 * Draft, assets, publish: works with immutable releases too. What a crash left half is finished. Anybody with
 * write permission can make a release of that name, so ours is told by author and marker, and assets by digest.
 */
export async function releaseVersions(project: Project, main: MainTree, model: ModelTree): Promise<void> {
  const history = await readHistory(project.state, project.forge.tags, model.name);
  const versions = history.registry.versions.filter(({ state }) => state === 'registered');
  if (versions.length === 0) return;
  const known = await project.forge.releases.list();
  for (const version of versions) {
    const tag = `${model.name}@v${version.version}`;
    const mine = known.filter(
      ({ author, body }) => author === project.bot && hasMarker(body, { kind: 'release', key: tag }),
    );
    const published = mine.find(({ draft }) => !draft);
    const foreign = known.find((release) => release.tag === tag && !release.draft && !mine.includes(release));
    if (foreign && !published) {
      project.log.warn({ tag, author: foreign.author }, "somebody else's release stands where ours belongs");
      continue;
    }
    await once(project, {
      key: `release:${tag}`,
      // Published before a crash, and not yet written down as done.
      find: async () => (published ? String(published.id) : null),
      make: () => publishRelease({ project, main, history, version, tag, draft: mine[0] ?? null }),
      told: () => ({
        event: 'release published',
        actor: project.bot,
        subject: tag,
        model: model.name,
        digest: [version.candidate, version.bundle],
      }),
    });
  }
}

async function publishRelease({
  draft: left,
  ...release
}: {
  project: Project;
  main: MainTree;
  history: ModelHistory;
  version: RegisteredVersion;
  tag: string;
  draft: Release | null;
}): Promise<string> {
  const draft = left ?? (await draftRelease(release));
  if (!draft) throw new Error(`${release.tag} is registered, and its evaluation is not on record`);
  await uploadMissing({ ...release, draft, model: release.history.model });
  await release.project.forge.releases.publish(draft.id);
  return String(draft.id);
}

async function draftRelease({
  project,
  history,
  version,
  tag,
}: {
  project: Project;
  history: ModelHistory;
  version: RegisteredVersion;
  tag: string;
}): Promise<Release | null> {
  const judged = await readJudged(project.state, history, version.candidate);
  if (!judged) return null;
  const { result } = judged.evaluate.predicate;
  const head = await project.state.auditHead();
  const body = render(loadTemplate('comments/release.hbs'), {
    model: history.model,
    version: version.version,
    candidate: hexOf(version.candidate),
    commit: version.commit,
    pull_request: judged.record.pull_request,
    evaluate: hexOf(judged.record.evaluate),
    bundle: hexOf(version.bundle),
    metrics: result.recent.comparisons.map(({ metric, candidate }) => ({ metric, value: candidate })),
    rows: result.recent.rows,
    overrides: await overridesAtRegistration(project, history, version),
    audit: head && render(loadTemplate('comments/audit-head.hbs'), { anchor: printAnchor(head) }),
  });
  return project.forge.releases.createDraft({
    tag,
    title: `${history.model} v${version.version}`,
    body: withMarker({ kind: 'release', key: tag }, body),
  });
}

/** Gates that were passed by override when the version was made. */
async function overridesAtRegistration(project: Project, history: ModelHistory, version: RegisteredVersion) {
  const given = history.registrations.find((one) => one.version === version.version);
  if (!given) return [];
  const overrides = await readOverrides(project, version.candidate, new Date(given.at));
  return overrides.map((override) => ({ ...override, people: override.people.join(' and ') }));
}

async function uploadMissing({
  project,
  main,
  version,
  draft,
  model,
}: {
  project: Project;
  main: MainTree;
  version: RegisteredVersion;
  draft: Release;
  model: string;
}): Promise<void> {
  const store = project.store(main.policy.store);
  const manifest = await store.get(version.bundle);
  const bundle = bundleSchema.parse(JSON.parse(Buffer.from(manifest).toString('utf8')));
  type Asset = { digest: Digest; read: () => Promise<Uint8Array> };
  const wanted = new Map<string, Asset>();
  wanted.set('bundle.json', { digest: version.bundle, read: async () => manifest });
  for (const { name, digest } of bundle.files) wanted.set(name, { digest, read: () => store.get(digest) });
  const card = await (await readTree(project.forge.trees, version.commit)).read(
    `models/${model}/MODEL_CARD.md`,
  );
  if (card !== null) {
    wanted.set('MODEL_CARD.md', { digest: digestOf(card), read: async () => Buffer.from(card) });
  }
  // The head that the notes name, so that an upload that is tried again is the same.
  const [head] = findAnchors(draft.body);
  if (head) {
    const text = `${canonicalJson(head)}\n`;
    wanted.set('audit-head.json', { digest: digestOf(text), read: async () => Buffer.from(text) });
  }
  const isWanted = (asset: Release['assets'][number]) =>
    asset.state === 'uploaded' && asset.digest === wanted.get(asset.name)?.digest;
  for (const asset of draft.assets) {
    if (!isWanted(asset)) await project.forge.releases.removeAsset(asset.id);
  }
  const there = new Set(draft.assets.filter(isWanted).map(({ name }) => name));
  for (const [name, { read }] of wanted) {
    if (!there.has(name)) await project.forge.releases.upload(draft, { name, bytes: await read() });
  }
}
