/** Functions that give another answer on another day or run. */
const UNSTABLE = new Set([
  'ago',
  'current_connection_id',
  'current_date',
  'current_localtime',
  'current_localtimestamp',
  'current_query',
  'current_query_id',
  'current_time',
  'current_timestamp',
  'current_transaction_id',
  'currval',
  'gen_random_uuid',
  'get_current_time',
  'get_current_timestamp',
  'localtime',
  'localtimestamp',
  'nextval',
  'now',
  'random',
  'setseed',
  'today',
  'transaction_timestamp',
  'txid_current',
  'uuid',
  'uuidv4',
  'uuidv7',
]);

/** Those that SQL writes without brackets too; any other bare name, such as `uuid`, is a column. */
const BARE = new Set(['current_date', 'current_time', 'current_timestamp', 'localtime', 'localtimestamp']);

/**
 * Uses of clock, chance and samples in a SELECT, from DuckDB's own syntax tree (`json_serialize_sql`): the
 * same sources and steps must give the same rows, or a recorded digest would mean nothing.
 */
export function unstableParts(tree: string): string[] {
  const found = new Set<string>();
  JSON.parse(tree, (_key, node: unknown) => {
    if (typeof node === 'object' && node !== null) for (const name of partsOf(node)) found.add(name);
    return node;
  });
  return [...found].sort();
}

type Node = { function_name?: string; children?: unknown[]; column_names?: string[]; sample_size?: unknown };

function partsOf({
  function_name: called,
  children,
  column_names: names,
  sample_size: sample,
}: Node): string[] {
  if (sample !== undefined) return ['a sample'];
  if (called !== undefined && (UNSTABLE.has(called) || (called === 'age' && children?.length === 1)))
    return [called];
  const [name, ...path] = names ?? [];
  return name !== undefined && path.length === 0 && BARE.has(name.toLowerCase()) ? [name] : [];
}
