export type Metrics = ReturnType<typeof createMetrics>;

/** Counters and gauges in Prometheus' text format. */
export function createMetrics(gauges: Record<string, () => number>) {
  const counters = new Map<string, Map<string, number>>();
  return {
    count(name: string, labels: Record<string, string> = {}): void {
      const series = counters.get(name) ?? new Map<string, number>();
      const key = Object.entries(labels)
        .map(([label, value]) => `${label}="${escaped(value)}"`)
        .join(',');
      series.set(key, (series.get(key) ?? 0) + 1);
      counters.set(name, series);
    },
    render(): string {
      const lines: string[] = [];
      for (const [name, series] of counters) {
        lines.push(`# TYPE ${name} counter`);
        for (const [labels, value] of series) lines.push(`${name}${labels ? `{${labels}}` : ''} ${value}`);
      }
      for (const [name, read] of Object.entries(gauges)) {
        lines.push(`# TYPE ${name} gauge`, `${name} ${read()}`);
      }
      return `${lines.join('\n')}\n`;
    },
  };
}

/** Event names come from outside: only what a label may hold stays. */
function escaped(value: string): string {
  return value.replace(/[^a-zA-Z0-9_.-]/g, '_').slice(0, 60);
}
