import { metricAttribute as attribute, metricName } from '../../names.js';
import { counter, gauge, histogram } from '../instruments.js';
import { oneOf } from '../label-values.js';
import { durationBounds, errorKinds, serviceNames } from './sets.js';

const pools = { [attribute.poolName]: serviceNames };
const from = 'every service with a database';

export const poolConnections = gauge({
  name: metricName.dbClientConnectionCount,
  unit: '{connection}',
  description: 'Connections of the pool',
  labels: { ...pools, [attribute.connectionState]: oneOf('idle', 'used') },
  from,
});

export const poolMax = gauge({
  name: metricName.dbClientConnectionMax,
  unit: '{connection}',
  description: 'The most connections that the pool may have',
  labels: pools,
  from,
});

export const poolPendingRequests = gauge({
  name: metricName.dbClientConnectionPendingRequests,
  unit: '{request}',
  description: 'Who waits for a connection now',
  labels: pools,
  from,
});

export const poolWaitTime = histogram(
  {
    name: metricName.dbClientConnectionWaitTime,
    unit: 's',
    description: 'How long it took to get a connection of the pool, or the turn on the embedded database',
    labels: pools,
    from,
  },
  durationBounds,
);

export const poolTimeouts = counter({
  name: metricName.dbClientConnectionTimeouts,
  unit: '{timeout}',
  description: 'How often no connection became free in time',
  labels: pools,
  from,
});

export const databaseOperationDuration = histogram(
  {
    name: metricName.dbClientOperationDuration,
    unit: 's',
    description: 'How long a transaction, or a statement that is one, took with the wait for its connection',
    labels: {
      ...pools,
      [attribute.dbOperation]: oneOf('tenant-transaction', 'service-transaction', 'statement'),
      [attribute.errorType]: errorKinds,
    },
    from,
  },
  durationBounds,
);
