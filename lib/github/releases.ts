import type { Repository } from './repository.ts';

export type Release = {
  id: number;
  tag: string;
  /** Login of who made it: anybody with write permission can. */
  author: string;
  body: string;
  draft: boolean;
  url: string;
  /** A template: GitHub takes assets at another address than the API's. */
  upload_url: string;
  assets: { name: string; digest: string | null; state: string; id: number }[];
};

export type Releases = ReturnType<typeof releases>;

/** Drafts are found by listing only; a published release is never edited. */
export function releases({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };
  return {
    async list(): Promise<Release[]> {
      const found = await octokit.paginate(octokit.rest.repos.listReleases, { ...at, per_page: 100 });
      return found.map(releaseOf);
    },
    async createDraft(release: { tag: string; title: string; body: string }): Promise<Release> {
      const { data } = await octokit.rest.repos.createRelease({
        ...at,
        tag_name: release.tag,
        name: release.title,
        body: release.body,
        draft: true,
        make_latest: 'false',
      });
      return releaseOf(data);
    },
    async upload(release: Release, asset: { name: string; bytes: Uint8Array }): Promise<void> {
      await octokit.request({
        method: 'POST',
        url: release.upload_url,
        name: asset.name,
        data: asset.bytes,
        headers: { 'content-type': 'application/octet-stream', 'content-length': asset.bytes.byteLength },
      });
    },
    async removeAsset(id: number): Promise<void> {
      await octokit.rest.repos.deleteReleaseAsset({ ...at, asset_id: id });
    },
    async publish(id: number): Promise<void> {
      await octokit.rest.repos.updateRelease({ ...at, release_id: id, draft: false, make_latest: 'false' });
    },
  };
}

type ApiRelease = {
  id: number;
  tag_name: string;
  author: { login: string } | null;
  body?: string | null | undefined;
  draft: boolean;
  html_url: string;
  upload_url: string;
  assets: { id: number; name: string; state: string }[];
};

function releaseOf(release: ApiRelease): Release {
  return {
    id: release.id,
    tag: release.tag_name,
    author: release.author?.login ?? 'ghost',
    body: release.body ?? '',
    draft: release.draft,
    url: release.html_url,
    upload_url: release.upload_url,
    assets: release.assets.map((asset) => ({
      id: asset.id,
      name: asset.name,
      state: asset.state,
      digest: 'digest' in asset && typeof asset.digest === 'string' ? asset.digest : null,
    })),
  };
}
