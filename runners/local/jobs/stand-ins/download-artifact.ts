import { join } from 'node:path';
import { matchesGlob } from '#lib/formats/glob.ts';
import { unzipInto } from '../artifact-files.ts';
import { workspacePath } from '../session.ts';
import { isTrue, refuseInputs, type StandInCall } from './stand-in.ts';

type Shelf = { names(): Promise<string[]>; fetch(name: string): Promise<Uint8Array | null> };

/** Plays actions/download-artifact: of this run, or with `run-id` and `github-token` of another one by REST. */
export async function downloadArtifact(call: StandInCall): Promise<void> {
  refuseInputs(call, ['artifact-ids', 'repository']);
  const folder = workspacePath(call.session, call.input('path') || '.');
  const name = call.input('name');
  const shelf = shelfOf(call);
  const names = name
    ? [name]
    : (await shelf.names()).filter((candidate) => matchesGlob(candidate, call.input('pattern') || '*'));
  for (const artifact of names) {
    const zip = await shelf.fetch(artifact);
    if (!zip) throw new Error(`Unable to download artifact(s): Artifact not found for name: ${artifact}`);
    const flat = name !== '' || isTrue(call.input('merge-multiple'), false);
    const files = unzipInto(flat ? folder : join(folder, artifact), zip);
    call.session.log.line(`Artifact ${artifact} was downloaded: ${files.length} files`);
  }
  call.output('download-path', folder);
}

function shelfOf(call: StandInCall): Shelf {
  const { control } = call.session.host;
  const own = call.session.run.id;
  const wanted = Number(call.input('run-id') || own);
  if (call.input('github-token') !== '') return restShelf(call, wanted);
  if (wanted !== own)
    throw new Error(
      `The input run-id names another run (${wanted}): it needs github-token with actions: read.`,
    );
  return {
    names: async () => (await control.artifacts(own)).map((artifact) => artifact.name),
    fetch: (name) => control.artifact(own, name),
  };
}

/** Another run's artifacts are read as any client would, so that the token's permissions decide. */
function restShelf({ session, input }: StandInCall, run: number): Shelf {
  const { owner, name } = session.run.repository;
  const base = `${session.run.api_url}/repos/${owner}/${name}/actions`;
  const headers = { authorization: `Bearer ${input('github-token')}`, accept: 'application/vnd.github+json' };
  session.masks.add(input('github-token'));

  async function get(url: string): Promise<Response> {
    const response = await fetch(url, { headers });
    if (response.ok) return response;
    throw new Error(
      `Unable to download artifact(s): ${response.status} from ${url}: ${(await response.text()).slice(0, 500)}`,
    );
  }
  async function list(): Promise<{ name: string; archive_download_url: string }[]> {
    const page = await get(`${base}/runs/${run}/artifacts?per_page=100`);
    return ((await page.json()) as { artifacts: { name: string; archive_download_url: string }[] }).artifacts;
  }
  return {
    names: async () => (await list()).map((artifact) => artifact.name),
    async fetch(wanted) {
      const found = (await list()).find((artifact) => artifact.name === wanted);
      return found ? new Uint8Array(await (await get(found.archive_download_url)).arrayBuffer()) : null;
    },
  };
}
