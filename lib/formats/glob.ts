/**
 * Whether a path matches a glob: `*` and `?` within one segment, `**` over any number of segments. Linear in
 * path times glob, without backtracking: globs come from pull requests.
 */
export function matchesGlob(path: string, glob: string): boolean {
  const segments = path.split('/');
  const patterns = glob.split('/');
  // reachable[i]: the patterns so far match the first i segments.
  let reachable = [true, ...segments.map(() => false)];
  for (const pattern of patterns) {
    const next = segments.map(
      (segment, index) => reachable[index] === true && matchesSegment(segment, pattern),
    );
    if (pattern === '**') {
      const first = reachable.indexOf(true);
      reachable = reachable.map((_, index) => first !== -1 && index >= first);
    } else reachable = [false, ...next];
  }
  return reachable.at(-1) === true;
}

/** Greedy match that remembers only the last `*`. */
function matchesSegment(text: string, pattern: string): boolean {
  let at = 0;
  let star = -1;
  let restart = 0;
  let position = 0;
  while (position < text.length) {
    if (pattern[at] === '?' || (pattern[at] === text[position] && pattern[at] !== '*')) {
      at += 1;
      position += 1;
    } else if (pattern[at] === '*') {
      star = at;
      restart = position;
      at += 1;
    } else if (star !== -1) {
      at = star + 1;
      restart += 1;
      position = restart;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
