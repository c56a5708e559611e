// What a service does with the OpenTelemetry SDK for Node, nothing of it changed: a trace, logs and metrics, sent by the
// protocol named first. Where to, and the temporality of metrics, stand in the SDK's own environment variables. Prints the ids.
'use strict';

const [protocol, service] = process.argv.slice(2);
const { context, trace, SpanKind, SpanStatusCode, ROOT_CONTEXT } = require('@opentelemetry/api');
const { SeverityNumber } = require('@opentelemetry/api-logs');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
const { MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');

const kind = { 'http/json': 'http', 'http/protobuf': 'proto', grpc: 'grpc' }[protocol];
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${kind}`);
const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${kind}`);
const { OTLPMetricExporter } = require(`@opentelemetry/exporter-metrics-otlp-${kind}`);

const resource = resourceFromAttributes({
  'service.name': service,
  'service.instance.id': 'one',
  'service.version': '1.2',
});
const traces = new BasicTracerProvider({
  resource, spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
const logs = new LoggerProvider({
  resource, processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })],
});
const metrics = new MeterProvider({
  resource,
  readers: [new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(), exportIntervalMillis: 3_600_000,
  })],
});

async function main() {
  const tracer = traces.getTracer('shop', '0.1');
  const log = logs.getLogger('shop');
  const meter = metrics.getMeter('shop');
  const orders = meter.createCounter('shop.orders', { unit: '{order}', description: 'Orders placed' });
  const depth = meter.createUpDownCounter('shop.queue.depth');
  const seconds = meter.createHistogram('shop.pay.duration', {
    unit: 's', advice: { explicitBucketBoundaries: [0.1, 0.5, 1.0] },
  });

  const earlier = tracer.startSpan('earlier', {}, ROOT_CONTEXT);
  earlier.end();
  const root = tracer.startSpan('POST /pay', {
    kind: SpanKind.SERVER,
    attributes: { 'http.route': '/pay', 'cart.items': 3, vip: true, tags: ['a', 'b'] },
    links: [{ context: earlier.spanContext() }],
  }, ROOT_CONTEXT);
  const within = trace.setSpan(ROOT_CONTEXT, root);
  log.emit({
    severityNumber: SeverityNumber.INFO, severityText: 'INFO', body: 'order placed',
    attributes: { 'order.id': 4711 }, context: within,
  });
  const child = tracer.startSpan('charge', { kind: SpanKind.CLIENT }, within);
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'card refused' });
  child.recordException(new Error('no funds'));
  log.emit({
    severityNumber: SeverityNumber.ERROR, severityText: 'ERROR', body: 'payment failed: no funds',
    attributes: { amount: 9.5 }, context: trace.setSpan(ROOT_CONTEXT, child),
  });
  child.end();
  for (const half of [1, 2]) {
    // two exports, so that what is sent as deltas has to be summed up
    orders.add(2, { kind: 'gift' });
    depth.add(half === 2 ? -1 : 4);
    seconds.record(0.25, { 'http.route': '/pay' }, within);
    await metrics.forceFlush();
  }
  root.end();
  const ids = root.spanContext();
  for (const provider of [traces, logs, metrics]) await provider.shutdown();
  console.log(JSON.stringify({ trace: ids.traceId, root: ids.spanId, child: child.spanContext().spanId }));
}

main().catch((error) => { console.error(error); process.exit(1); });
