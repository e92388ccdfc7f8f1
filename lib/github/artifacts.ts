import { digestOf } from '#lib/formats/digest.ts';
import { EVIDENCE_MAX_BYTES } from '#lib/lifecycle/evidence.ts';
import type { Repository } from './repository.ts';
import { unzipStatement } from './statement-archive.ts';

export type Artifact = { id: number; name: string; size: number; digest: string | null; expired: boolean };

/** A zip of one small JSON file: anything larger isn't evidence, and isn't fetched. */
const ARCHIVE_MAX_BYTES = 2 * EVIDENCE_MAX_BYTES;

export type Artifacts = ReturnType<typeof artifacts>;

export function artifacts({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };
  return {
    async list(run: number): Promise<Artifact[]> {
      const found = await octokit.paginate(octokit.rest.actions.listWorkflowRunArtifacts, {
        ...at,
        run_id: run,
        per_page: 100,
      });
      return found.map((artifact) => ({
        id: artifact.id,
        name: artifact.name,
        size: artifact.size_in_bytes,
        digest: artifact.digest ?? null,
        expired: artifact.expired,
      }));
    },
    /** The one JSON text in an evidence artifact. Throws an Error that says what is wrong with the archive. */
    async statement(artifact: Artifact): Promise<string> {
      if (artifact.expired) throw new Error(`artifact ${artifact.name} has expired`);
      if (artifact.size > ARCHIVE_MAX_BYTES) throw new Error(`artifact ${artifact.name} is too large`);
      const { data } = await octokit.rest.actions.downloadArtifact({
        ...at,
        artifact_id: artifact.id,
        archive_format: 'zip',
      });
      const bytes = new Uint8Array(data as ArrayBuffer);
      if (artifact.digest !== null && digestOf(bytes) !== artifact.digest) {
        throw new Error(`artifact ${artifact.name} is not the bytes that GitHub took in`);
      }
      return unzipStatement(bytes);
    },
  };
}
