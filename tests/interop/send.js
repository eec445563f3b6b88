// send.js URL proto|json COUNT TOKEN
//
// Sends COUNT log records with every kind of attribute value through
// OpenTelemetry's own exporter, and says what the exporter said: its result
// must be success, and its diagnostics must hold no warning or error.
'use strict';
const { diag, DiagLogLevel } = require('@opentelemetry/api');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');

const [url, encoding, count, token] = process.argv.slice(2);
const complaints = [];
const complain = (...args) => complaints.push(args.map(String).join(' '));
diag.setLogger(
  { error: complain, warn: complain, info() {}, debug() {}, verbose() {} },
  { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });

const { OTLPLogExporter } = require(
  encoding === 'proto' ? '@opentelemetry/exporter-logs-otlp-proto' : '@opentelemetry/exporter-logs-otlp-http');
const exporter = new OTLPLogExporter({
  url, headers: { authorization: `Bearer ${token}` }, compression: 'gzip', timeoutMillis: 10000 });

let failed = 0, exported = 0;
const real = exporter.export.bind(exporter);
exporter.export = (records, done) => real(records, (result) => {
  if (result.code === 0) exported += records.length;
  else { failed++; complain(`export failed: ${result.error}`); }
  done(result);
});

const provider = new LoggerProvider({
  resource: resourceFromAttributes({ 'service.name': 'interop', 'service.instance.id': 'not-one-of-ours', 'host.name': 'elsewhere' }),
  processors: [new BatchLogRecordProcessor({ exporter })],
});
const logger = provider.getLogger('interop', '1.0');
for (let i = 0; i < Number(count); i++) {
  logger.emit({
    eventName: 'interop.event',
    severityNumber: 9 + (i % 4) * 4,
    severityText: 'INFO',
    body: i % 2 ? `record ${i}` : { nested: { text: `record ${i}`, list: [1, 'two', 3.5, null] } },
    attributes: {
      text: 'grüße, 世界 🚀', number: i, real: i / 3, big: Number.MAX_SAFE_INTEGER, negative: -i, yes: true,
      list: ['a', 'b'], bytes: new Uint8Array([0, 1, 255]), map: { deep: { deeper: [{ deepest: 1 }] } },
    },
  });
}
provider.forceFlush().then(() => provider.shutdown()).then(() => {
  console.log(JSON.stringify({ exported, failed, complaints }));
  process.exit(failed === 0 && complaints.length === 0 && exported === Number(count) ? 0 : 1);
}, (error) => {
  console.log(JSON.stringify({ exported, failed, complaints, error: String(error) }));
  process.exit(1);
});
