/** The name under which our events are on EventBridge's bus, and the only kind there is. */
export const EVENT_SOURCE = 'sierra-batch';
export const EVENT_DETAIL_TYPE = 'Experiment State Change';
