/** The name under which our events are on EventBridge's bus, and the kind that tells people. */
export const EVENT_SOURCE = 'sierra-batch';
export const EVENT_DETAIL_TYPE = 'Experiment State Change';
/** The kind that settle calls ingest by, with the detail of S3's own event. */
export const OVERLOOKED_DETAIL_TYPE = 'Manifest Overlooked';
