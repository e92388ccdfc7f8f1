import { isAscii, isUtf8 } from 'node:buffer';
import type { Dialect } from '../lifecycle/data-source.ts';
import { linesIn, TextFault, wholeCharacters } from './text-bytes.ts';

/**
 * The encoding of a file without a byte order mark: UTF-8 where all of it is, else windows-1252 (which holds
 * Latin-1). A file with lines of both is refused: whoever reads it gets half of its letters wrong.
 */
export async function detectEncoding(
  bytes: AsyncIterable<Uint8Array>,
): Promise<Extract<Dialect['encoding'], 'utf-8' | 'windows-1252'>> {
  let line = 1;
  let [utf8, other] = [0, 0];
  for await (const { text, rest } of wholeCharacters(bytes)) {
    if (!isAscii(text)) {
      const valid = !rest && isUtf8(text);
      const seen = valid ? { utf8: line + linesBeforeLetter(text), other: 0 } : linesOfBoth(text, line);
      utf8 ||= seen.utf8;
      other ||= seen.other;
      if (utf8 > 0 && other > 0) throw mixed(utf8, other);
    }
    line += linesIn(text);
  }
  return other > 0 ? 'windows-1252' : 'utf-8';
}

function mixed(utf8: number, other: number): TextFault {
  return new TextFault(`line ${utf8} is UTF-8 and line ${other} is not: two encodings are mixed`, {
    line: null,
    fix: `save the whole file as UTF-8, or say the encoding (windows-1252 reads it with wrong letters on line ${utf8})`,
  });
}

function linesBeforeLetter(text: Uint8Array): number {
  return linesIn(
    text.subarray(
      0,
      text.findIndex((byte) => byte >= 0x80),
    ),
  );
}

/** First line of the piece that is UTF-8 beyond ASCII, and first that is not UTF-8; 0 where there is none. */
function linesOfBoth(text: Uint8Array, line: number): { utf8: number; other: number } {
  const seen = { utf8: 0, other: 0 };
  let number = line;
  for (let from = 0; from < text.length; number += 1) {
    const end = text.indexOf(10, from);
    const one = text.subarray(from, end < 0 ? text.length : end);
    if (!isAscii(one)) {
      if (isUtf8(one)) seen.utf8 ||= number;
      else seen.other ||= number;
    }
    from = end < 0 ? text.length : end + 1;
  }
  return seen;
}
