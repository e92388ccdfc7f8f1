import { notFound } from '../refusal.ts';
import type { Asset, Release } from '../rows/release.ts';
import { type Html, html, time } from './html.ts';
import { href, type PageCall, repositoryPage } from './layout.ts';
import { markdown } from './markdown.ts';

function published(call: PageCall): Release[] {
  return call.hub.db.filter('releases', (one) => one.repository_id === call.repo.id && !one.draft).reverse();
}

export function releaseListPage(call: PageCall): string {
  const all = published(call);
  const main = html`<h2>Releases</h2>${all.map((one) => panel(call, one))}${all.length === 0 && html`<p class="soft">No releases yet.</p>`}`;
  return repositoryPage(call, { title: 'Releases', tab: '/releases', main });
}

export function releasePage(call: PageCall): string {
  const found = published(call).find(({ tag_name }) => tag_name === call.params['*']);
  if (!found) throw notFound();
  return repositoryPage(call, {
    title: found.name ?? found.tag_name,
    tab: '/releases',
    main: panel(call, found),
  });
}

function panel(call: PageCall, release: Release): Html {
  const assets = release.assets.map(
    ({ name, size, sha256 }) =>
      html`<li><a href="${href(call, 'releases/download', release.tag_name, name)}">${name}</a> <span class="soft">${size} bytes, sha256:${sha256}</span></li>`,
  );
  return html`<div class="panel"><div class="head"><a href="${href(call, 'releases/tag', release.tag_name)}">${release.name ?? release.tag_name}</a>
${release.latest && html`<span class="label">Latest</span>`} <span class="soft"><code>${release.tag_name}</code> by ${release.author}, ${time(release.published_at)}</span></div>
<div class="body">${markdown(release.body)}</div><ul class="rows">${assets}</ul></div>`;
}

export function findDownload(call: PageCall): Asset {
  const release = published(call).find(({ tag_name }) => tag_name === call.params.tag);
  const asset = release?.assets.find(({ name }) => name === call.params.name);
  if (!asset) throw notFound();
  return asset;
}
