"""What a service does with the OpenTelemetry SDK for Python, nothing of it changed: a trace, logs and metrics, sent by the
protocol named first. Where to, and the temporality of metrics, stand in the SDK's own environment variables. Prints the ids."""

import json
import logging
import sys

from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

if sys.argv[1] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

resource = Resource.create({
    "service.name": sys.argv[2],
    "service.instance.id": "one",
    "service.version": "1.2",
})
traces = TracerProvider(resource=resource)
traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=3_600_000)
exponential = View(instrument_name="shop.wait", aggregation=ExponentialBucketHistogramAggregation())
metrics = MeterProvider(resource=resource, metric_readers=[reader], views=[exponential])

log = logging.getLogger("shop")
log.setLevel(logging.INFO)
log.addHandler(LoggingHandler(logger_provider=logs))
tracer = traces.get_tracer("shop", "0.1")
meter = metrics.get_meter("shop")
orders = meter.create_counter("shop.orders", unit="{order}", description="Orders placed")
depth = meter.create_up_down_counter("shop.queue.depth")
seconds = meter.create_histogram(
    "shop.pay.duration", unit="s", explicit_bucket_boundaries_advisory=[0.1, 0.5, 1.0])
wait = meter.create_histogram("shop.wait", unit="s")

with tracer.start_as_current_span("earlier") as earlier:
    pass
ids = {}
with tracer.start_as_current_span(
    "POST /pay",
    kind=SpanKind.SERVER,
    attributes={"http.route": "/pay", "cart.items": 3, "vip": True, "tags": ["a", "b"]},
    links=[Link(earlier.get_span_context())],
) as root:
    log.info("order placed", extra={"order.id": 4711})
    with tracer.start_as_current_span("charge", kind=SpanKind.CLIENT) as child:
        child.set_status(Status(StatusCode.ERROR, "card refused"))
        try:
            raise ValueError("no funds")
        except ValueError as error:
            child.record_exception(error)
            log.error("payment failed: %s", error, extra={"amount": 9.5})
    for half in (1, 2):
        # two exports, so that what is sent as deltas has to be summed up
        orders.add(2, {"kind": "gift"})
        depth.add(-1 if half == 2 else 4)
        seconds.record(0.25, {"http.route": "/pay"})
        for value in (0.01, 0.25, 4.0):
            wait.record(value)
        metrics.force_flush()
    ids["trace"] = format(root.get_span_context().trace_id, "032x")
    ids["root"] = format(root.get_span_context().span_id, "016x")
    ids["child"] = format(child.get_span_context().span_id, "016x")
for provider in (traces, logs, metrics):
    provider.shutdown()
print(json.dumps(ids))
