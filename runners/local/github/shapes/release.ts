import type { Hub } from '../hub.ts';
import type { Deployment, DeploymentStatus } from '../rows/deployment.ts';
import type { Asset, Release } from '../rows/release.ts';
import type { Repository } from '../rows/repository.ts';
import { apiUrl, htmlUrl, nodeId, repoUrl, userShape, viaAppShape } from './account.ts';

function downloadName(release: Release): string {
  return encodeURIComponent(release.draft ? `untagged-${release.id}` : release.tag_name);
}

export function assetShape(options: { hub: Hub; repo: Repository; release: Release; asset: Asset }) {
  const { hub, repo, release, asset } = options;
  const file = encodeURIComponent(asset.name);
  return {
    url: repoUrl(hub, repo, `/releases/assets/${asset.id}`),
    id: asset.id,
    node_id: nodeId('ReleaseAsset', asset.id),
    name: asset.name,
    label: asset.label,
    uploader: userShape(hub, asset.uploader),
    content_type: asset.content_type,
    state: 'uploaded' as const,
    size: asset.size,
    digest: `sha256:${asset.sha256}`,
    download_count: asset.download_count,
    created_at: asset.created_at,
    updated_at: asset.created_at,
    browser_download_url: htmlUrl(hub, repo, `/releases/download/${downloadName(release)}/${file}`),
  };
}

export function releaseShape(hub: Hub, repo: Repository, release: Release) {
  const url = repoUrl(hub, repo, `/releases/${release.id}`);
  const upload = `/api/uploads/repos/${repo.owner}/${repo.name}/releases/${release.id}/assets`;
  return {
    url,
    assets_url: `${url}/assets`,
    upload_url: `${hub.origin}${upload}{?name,label}`,
    html_url: htmlUrl(hub, repo, `/releases/tag/${downloadName(release)}`),
    id: release.id,
    node_id: nodeId('Release', release.id),
    tag_name: release.tag_name,
    target_commitish: release.target_commitish,
    name: release.name,
    body: release.body,
    draft: release.draft,
    prerelease: release.prerelease,
    immutable: release.immutable ?? false,
    author: userShape(hub, release.author),
    created_at: release.created_at,
    updated_at: release.updated_at,
    published_at: release.published_at,
    assets: release.assets.map((asset) => assetShape({ hub, repo, release, asset })),
    tarball_url: repoUrl(hub, repo, `/tarball/${encodeURIComponent(release.tag_name)}`),
    zipball_url: repoUrl(hub, repo, `/zipball/${encodeURIComponent(release.tag_name)}`),
  };
}

export function deploymentShape(hub: Hub, repo: Repository, deployment: Deployment) {
  const { repository_id: _, via_app, creator, ...own } = deployment;
  const url = repoUrl(hub, repo, `/deployments/${deployment.id}`);
  return {
    ...own,
    url,
    node_id: nodeId('Deployment', deployment.id),
    creator: userShape(hub, creator),
    statuses_url: `${url}/statuses`,
    repository_url: repoUrl(hub, repo),
    performed_via_github_app: viaAppShape(hub, via_app),
  };
}

export function deploymentStatusShape(hub: Hub, repo: Repository, status: DeploymentStatus) {
  const { repository_id: _r, deployment_id, via_app, creator, ...own } = status;
  const deployment = apiUrl(hub, `/repos/${repo.owner}/${repo.name}/deployments/${deployment_id}`);
  return {
    ...own,
    url: `${deployment}/statuses/${status.id}`,
    node_id: nodeId('DeploymentStatus', status.id),
    creator: userShape(hub, creator),
    target_url: status.log_url,
    updated_at: status.created_at,
    deployment_url: deployment,
    repository_url: repoUrl(hub, repo),
    performed_via_github_app: viaAppShape(hub, via_app),
  };
}
