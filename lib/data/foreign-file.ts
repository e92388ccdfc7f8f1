/** Kinds of files that are no table of text, by the bytes they begin with. The first that matches counts. */
const MAGICS: readonly [what: string, magic: string | number[], at?: number][] = [
  ['Parquet', 'PAR1'],
  ['an encrypted Parquet file', 'PARE'],
  ['a ZIP archive', 'PK\u0003\u0004'],
  ['an empty ZIP archive', 'PK\u0005\u0006'],
  ['an old Excel workbook (.xls)', [0xd0, 0xcf, 0x11, 0xe0]],
  ['a PNG image', [0x89, 0x50, 0x4e, 0x47]],
  ['a JPEG image', [0xff, 0xd8, 0xff]],
  ['a GIF image', 'GIF8'],
  ['a PDF document', '%PDF'],
  ['an SQLite database', 'SQLite format 3'],
  ['an HDF5 file', [0x89, 0x48, 0x44, 0x46]],
  ['an Arrow or Feather file', 'ARROW1'],
  ['an Avro file', 'Obj\u0001'],
  ['an ORC file', 'ORC'],
  ['a NumPy array', [0x93, 0x4e, 0x55, 0x4d]],
  ['a bzip2 archive', 'BZh'],
  ['an xz archive', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['a 7z archive', [0x37, 0x7a, 0xbc, 0xaf]],
  ['an LZ4 archive', [0x04, 0x22, 0x4d, 0x18]],
  ['a tar archive', 'ustar', 257],
  ['a DuckDB database', 'DUCK', 8],
  ['a program', [0x7f, 0x45, 0x4c, 0x46]],
  ['UTF-32 text', [0xff, 0xfe, 0, 0]],
  ['a pointer of Git LFS and not the file itself (`git lfs pull` fetches it)', 'version https://git-lfs'],
];

/** What a file is that can't be read as text; null where nothing speaks against it. */
export function foreignKind(head: Uint8Array): string | null {
  const found = MAGICS.find(([, magic, at = 0]) => startsWith(head, magic, at));
  if (found?.[0] === 'a ZIP archive') return zipKind(head);
  if (found) return found[0];
  if (head[0] === 0x80 && (head[1] ?? 0) >= 2 && (head[1] ?? 9) <= 5) return 'a Python pickle';
  const text = Buffer.from(head.subarray(0, 256)).toString('latin1').trimStart().toLowerCase();
  if (/^(\u00ef\u00bb\u00bf)?<(!doctype html|html|\?xml)/.test(text)) return 'HTML or XML';
  if (/^(\u00ef\u00bb\u00bf)?(\{\s*"|\{\s*\}|\[\s*[{[])/.test(text)) return 'JSON';
  return null;
}

function zipKind(head: Uint8Array): string {
  const text = Buffer.from(head).toString('latin1');
  if (text.includes('xl/')) return 'an Excel workbook (.xlsx)';
  if (text.includes('opendocument.spreadsheet')) return 'an OpenDocument spreadsheet';
  return 'a ZIP archive';
}

export function compressionOf(head: Uint8Array): 'none' | 'gzip' | 'zstd' {
  if (startsWith(head, [0x1f, 0x8b], 0)) return 'gzip';
  return startsWith(head, [0x28, 0xb5, 0x2f, 0xfd], 0) ? 'zstd' : 'none';
}

/** The encoding that a byte order mark states, and how many bytes the mark has. */
export function byteOrderMark(head: Uint8Array): {
  encoding: 'utf-8' | 'utf-16le' | 'utf-16be' | null;
  bytes: number;
} {
  if (startsWith(head, [0xef, 0xbb, 0xbf], 0)) return { encoding: 'utf-8', bytes: 3 };
  if (startsWith(head, [0xff, 0xfe], 0)) return { encoding: 'utf-16le', bytes: 2 };
  if (startsWith(head, [0xfe, 0xff], 0)) return { encoding: 'utf-16be', bytes: 2 };
  return { encoding: null, bytes: 0 };
}

function startsWith(bytes: Uint8Array, magic: string | number[], at: number): boolean {
  const codes = typeof magic === 'string' ? [...magic].map((character) => character.charCodeAt(0)) : magic;
  return codes.every((code, index) => bytes[at + index] === code);
}
