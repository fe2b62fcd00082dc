/** List prices in US dollars, us-east-1; docs/costs.md says where they come from. */
export const PRICES = {
  lambdaRequest: 0.2 / 1e6,
  /** arm64. */
  lambdaGigabyteSecond: 0.000_013_333_4,
  transition: 0.025 / 1000,
  s3Write: 0.005 / 1000,
  s3Read: 0.0004 / 1000,
  /** Counted for each object that is written: the bucket sends all its events to EventBridge. */
  s3Event: 1 / 1e6,
  customEvent: 1 / 1e6,
  mail: 2 / 100_000,
  logGigabyte: 0.5,
  trace: 5 / 1e6,
  alarmMetricMonth: 0.1,
  dashboardMonth: 3,
} as const;

/** GiB of each function, as template.yaml gives them. */
export const MEMORY = { ingest: 1, submit: 0.5, settle: 1, collect: 1 } as const;
