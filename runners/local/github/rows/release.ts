export type Asset = {
  id: number;
  name: string;
  label: string | null;
  content_type: string;
  size: number;
  /** Hex sha256: also its name in the blob folder. */
  sha256: string;
  uploader: string;
  download_count: number;
  created_at: string;
};

export type Release = {
  id: number;
  repository_id: number;
  tag_name: string;
  target_commitish: string;
  name: string | null;
  body: string | null;
  draft: boolean;
  prerelease: boolean;
  latest: boolean;
  /** Published while the setting was on: it stays so when the setting goes. */
  immutable?: boolean;
  author: string;
  created_at: string;
  updated_at: string;
  published_at: string | null;
  assets: Asset[];
};
