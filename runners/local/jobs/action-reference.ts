/** Where the code of a `uses:` comes from; `refused` says why it cannot be run here. */
export type ActionReference =
  | { kind: 'package'; folder: string; ref: string }
  | { kind: 'local'; folder: string }
  | { kind: 'stand-in'; name: StandInName; ref: string }
  | { kind: 'refused'; reason: string };

export type StandInName = (typeof standInNames)[number];

const ourRepository = 'roundhouse/roundhouse';
const standInNames = [
  'actions/checkout',
  'actions/setup-node',
  'actions/upload-artifact',
  'actions/download-artifact',
] as const;

export function readActionReference(uses: string): ActionReference {
  if (uses.startsWith('./')) return { kind: 'local', folder: uses };
  if (uses.startsWith('docker://'))
    return refused(`'${uses}' is a container; the local job runner runs none.`);
  const match = /^([^@/]+\/[^@/]+)((?:\/[^@]+)?)@(.+)$/.exec(uses);
  if (!match) return refused(`'${uses}' is not owner/repository[/path]@ref.`);
  const [, repository = '', path = '', ref = ''] = match;
  if (repository.toLowerCase() === ourRepository) return ours({ uses, path, ref });
  const name = standInNames.find((candidate) => candidate === repository.toLowerCase());
  if (name && path === '') return { kind: 'stand-in', name, ref };
  const known = [`${ourRepository}`, ...standInNames].join(', ');
  return refused(`'${uses}' cannot be fetched here. The local job runner knows ${known} and ./path.`);
}

function ours({ uses, path, ref }: { uses: string; path: string; ref: string }): ActionReference {
  if (!/^[0-9a-f]{40}$/.test(ref))
    return refused(`'${uses}' is not pinned. Pin it to a full commit SHA (40 hex digits).`);
  const folder = path.slice(1);
  if (folder !== '' && !/^actions\/[a-z0-9-]+$/.test(folder))
    return refused(`'${uses}' names no action; expected actions/<name>.`);
  return { kind: 'package', folder, ref };
}

function refused(reason: string): ActionReference {
  return { kind: 'refused', reason };
}
