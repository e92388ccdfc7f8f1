import { unzipSync } from 'fflate';
import { EVIDENCE_MAX_BYTES } from '#lib/lifecycle/evidence.ts';

const ONLY_ENTRY = 'statement.json';

/**
 * Text of `statement.json`, the only entry that an evidence archive may have. Names and sizes are looked at
 * before anything is unpacked, so that a small archive cannot become a large one.
 */
export function unzipStatement(archive: Uint8Array): string {
  const names: string[] = [];
  let claimed = 0;
  const entries = unzipSync(archive, {
    filter: ({ name, originalSize }) => {
      names.push(name);
      claimed += originalSize;
      return name === ONLY_ENTRY && names.length === 1 && claimed <= EVIDENCE_MAX_BYTES;
    },
  });
  if (names.length !== 1 || names[0] !== ONLY_ENTRY) {
    throw new Error(`the archive must hold exactly ${ONLY_ENTRY}; it holds ${names.length} entries`);
  }
  const bytes = entries[ONLY_ENTRY];
  if (bytes === undefined || bytes.byteLength > EVIDENCE_MAX_BYTES) {
    throw new Error(`${ONLY_ENTRY} is larger than ${EVIDENCE_MAX_BYTES} bytes`);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}
