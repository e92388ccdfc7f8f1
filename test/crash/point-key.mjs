/**
 * Names a point so that the next run of the same flow has the same name for it: ids, hashes and folders are
 * different each time. Numbers of issues and pull requests stay: a flow gives them out in one order.
 */
export function pointKey(kind, what) {
  const named = what
    .replace(/ \/\S*\/(store|app|jobs|supervisor|predictions|logs)\//, ' $1/')
    .replace(/\.draft-\d+-[0-9a-f-]{36}/g, '.draft')
    .replace(/[0-9a-f]{64}/g, ':sha256')
    .replace(/[0-9a-f]{40}/g, ':sha')
    .replace(/\/sha256\/[0-9a-f]{2}\//g, '/sha256/')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, ':uuid')
    .replace(/\b[1-9]\d{6,}\b/g, ':id')
    .replace(/:id-\d+/g, ':id-:attempt');
  return `${kind} ${named}`;
}

/** The same for every issue, environment, version and day. */
export function kindOf(key) {
  return key
    .replace(/\/(issues|pulls)\/\d+/g, '/$1/:n')
    .replace(/\/refs\/heads(%2F|\/)roundhouse-[\w.-]+/g, '/refs/heads$1:branch');
}
