import { createHash } from 'node:crypto';
import { findFiles, zipFiles } from '../artifact-files.ts';
import { annotate } from '../step-io.ts';
import { isTrue, type StandInCall } from './stand-in.ts';

/** Plays actions/upload-artifact: names are unique in a run, a second upload of a name is a conflict (409). */
export async function uploadArtifact(call: StandInCall): Promise<void> {
  const { session } = call;
  const name = call.input('name') || 'artifact';
  const invalid = /["<>|*?:\r\n\\/]/.exec(name);
  if (invalid)
    throw new Error(
      `The artifact name is not valid: ${name}. Contains the character ${JSON.stringify(invalid[0])}.`,
    );
  if (isTrue(call.input('overwrite'), false))
    throw new Error('The local stand-in does not overwrite artifacts.');
  const patterns = call.input('path');
  if (patterns === '') throw new Error('Input required and not supplied: path');

  const found = findFiles({
    patterns,
    cwd: session.folders.workspace,
    hidden: isTrue(call.input('include-hidden-files'), false),
  });
  if (found.files.length === 0) return nothingFound(call, patterns);

  const zip = zipFiles(found);
  const digest = createHash('sha256').update(zip).digest('hex');
  const retentionDays = daysOf(call.input('retention-days'));
  const stored = await session.host.control.putArtifact(session.run.id, { name, zip, retentionDays });
  if (!stored) {
    throw new Error(
      'Failed to CreateArtifact: Received non-retryable error: Failed request: (409) Conflict: an artifact with this name already exists on the workflow run',
    );
  }
  session.log.line(
    `Artifact ${name} has been successfully uploaded: ${found.files.length} files, ${zip.length} bytes, sha256 ${digest}`,
  );
  if (stored.id !== undefined) call.output('artifact-id', String(stored.id));
  call.output('artifact-digest', digest);
}

function daysOf(text: string): number | null {
  if (text === '' || text === '0') return null;
  if (!/^\d+$/.test(text)) throw new Error(`Invalid retention-days: ${text}. It is a number of days.`);
  return Number(text);
}

function nothingFound(call: StandInCall, patterns: string): void {
  const message = `No files were found with the provided path: ${patterns.trim()}. No artifacts will be uploaded.`;
  const policy = call.input('if-no-files-found') || 'warn';
  if (policy === 'error') throw new Error(message);
  if (policy === 'warn') annotate(call.session, { level: 'warning', message });
  call.session.log.line(policy === 'warn' ? `##[warning]${message}` : message);
}
