/** The pattern language of Actions' filters: `*` stops at a slash, `**` does not, `?`, `+`, `[]`; `!` excludes. */
export function matchesFilters(value: string, patterns: string[]): boolean {
  let matched = false;
  for (const pattern of patterns) {
    if (pattern.startsWith('!')) {
      if (matched && compile(pattern.slice(1)).test(value)) matched = false;
    } else if (compile(pattern).test(value)) matched = true;
  }
  return matched;
}

function compile(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/?|\*|[.^$(){}|\\]/g, (found) => {
    if (found === '**/') return '(?:.*/)?';
    if (found === '**') return '.*';
    return found === '*' ? '[^/]*' : `\\${found}`;
  });
  return safely(source, pattern);
}

/** File-name patterns of rulesets: Ruby's fnmatch, where `*` stops at a slash. */
export function matchesRef(ref: string, pattern: string): boolean {
  const source = pattern.replace(/\*\*\/?|\*|\?|[.^$(){}|\\+]/g, (found) => {
    if (found === '**/') return '(?:.*/)?';
    if (found === '**') return '.*';
    if (found === '*') return '[^/]*';
    return found === '?' ? '[^/]' : `\\${found}`;
  });
  return safely(source, pattern).test(ref);
}

function safely(source: string, pattern: string): RegExp {
  try {
    return new RegExp(`^${source}$`);
  } catch {
    return new RegExp(`^${pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
  }
}
