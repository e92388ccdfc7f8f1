import type { RoutedVersion, Serving } from './served-model.ts';

type Sample = { labels: Record<string, string>; value: number; suffix?: string };
type Metric = { name: string; type: 'counter' | 'gauge' | 'histogram'; help: string; samples: Sample[] };

const LATENCY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Prometheus text format 0.0.4. */
export function renderMetrics(serving: Serving): string {
  const { environment } = serving;
  const versions = [...serving.models].flatMap(([model, routed]) =>
    routed.map((version) => ({ version, labels: { model, environment, version: version.version } })),
  );
  const each = (value: (version: RoutedVersion) => number): Sample[] =>
    versions.map(({ version, labels }) => ({ labels, value: value(version) }));
  const metrics: Metric[] = [
    {
      name: 'roundhouse_requests_total',
      type: 'counter',
      help: 'Sound inference requests since the version was loaded.',
      samples: each(({ loaded }) => loaded?.total.requests ?? 0),
    },
    {
      name: 'roundhouse_request_errors_total',
      type: 'counter',
      help: 'Sound inference requests that were not answered.',
      samples: each(({ loaded }) => loaded?.total.errors ?? 0),
    },
    {
      name: 'roundhouse_request_seconds',
      type: 'histogram',
      help: 'Time to answer an inference request, without the log.',
      samples: versions.flatMap(({ version, labels }) => latencySamples(version, labels)),
    },
    {
      name: 'roundhouse_queued_rows',
      type: 'gauge',
      help: 'Rows that wait for the model process.',
      samples: each(({ loaded }) => loaded?.process.queuedRows() ?? 0),
    },
    {
      name: 'roundhouse_model_restarts_total',
      type: 'counter',
      help: 'How often the model process was started again after it died.',
      samples: each(({ loaded }) => loaded?.process.restarts() ?? 0),
    },
    {
      name: 'roundhouse_version_weight',
      type: 'gauge',
      help: 'Percent of requests that the version answers.',
      samples: each(({ weight }) => weight),
    },
    {
      name: 'roundhouse_version_ready',
      type: 'gauge',
      help: '1 when the version can answer.',
      samples: each(({ loaded }) => (loaded?.process.isReady() ? 1 : 0)),
    },
    ...logMetrics(serving),
  ];
  return metrics.map(renderMetric).join('');
}

function latencySamples({ loaded }: RoutedVersion, labels: Record<string, string>): Sample[] {
  if (loaded === null) return [];
  const { latency } = loaded.total;
  const buckets = LATENCY_SECONDS.map((seconds) => ({
    labels: { ...labels, le: String(seconds) },
    value: latency.countUpTo(seconds * 1000),
    suffix: '_bucket',
  }));
  return [
    ...buckets,
    { labels: { ...labels, le: '+Inf' }, value: latency.count(), suffix: '_bucket' },
    { labels, value: latency.sum() / 1000, suffix: '_sum' },
    { labels, value: latency.count(), suffix: '_count' },
  ];
}

function logMetrics({ records }: Serving): Metric[] {
  if (records === null) return [];
  const { written, dropped } = records.counts();
  return [
    {
      name: 'roundhouse_log_records_total',
      type: 'counter',
      help: 'Predictions and labels that are in the log of this process.',
      samples: [{ labels: {}, value: written }],
    },
    {
      name: 'roundhouse_log_dropped_total',
      type: 'counter',
      help: 'Predictions and labels that could not be written.',
      samples: [{ labels: {}, value: dropped }],
    },
  ];
}

function renderMetric({ name, type, help, samples }: Metric): string {
  const lines = samples.map(
    ({ labels, value, suffix = '' }) => `${name}${suffix}${renderLabels(labels)} ${value}\n`,
  );
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

/** Values are names that our schemas allow, so nothing needs an escape. */
function renderLabels(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
