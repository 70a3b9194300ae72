import { metricAttribute as attribute, metricName } from '../../names.js';
import { gauge, histogram } from '../instruments.js';
import { oneOf, upTo } from '../label-values.js';
import { durationBounds } from './sets.js';

const methods = oneOf('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS');

export const httpRequestDuration = histogram(
  {
    name: metricName.httpServerRequestDuration,
    unit: 's',
    description:
      'How long a request took, to the end of its answer; those of streams last as long as their reader stays',
    labels: {
      [attribute.httpMethod]: methods,
      [attribute.httpRoute]: upTo(100, 'the routes of the contracts; `unmatched` where there is none'),
      [attribute.httpStatus]: upTo(60, 'status codes of the answers'),
      [attribute.errorType]: oneOf('', 'aborted'),
    },
    from: 'gateway',
  },
  durationBounds,
);

export const httpActiveRequests = gauge({
  name: metricName.httpServerActiveRequests,
  unit: '{request}',
  description: 'Requests that are being answered now, open streams included',
  labels: {},
  from: 'gateway',
});

export const httpOpenStreams = gauge({
  name: metricName.httpStreamsOpen,
  unit: '{stream}',
  description: 'Streams and waits of callers that are open now',
  labels: {},
  from: 'gateway',
});
