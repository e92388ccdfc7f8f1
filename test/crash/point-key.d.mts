export function pointKey(kind: string, what: string): string;
export function kindOf(key: string): string;
