// receive.js CERT KEY OUT
//
// An OTLP/HTTPS endpoint that is not ours: takes POST /v1/logs and decodes each
// body with OpenTelemetry's own generated protobuf code.  Prints "port N" when
// it listens, and writes one line of JSON a record to OUT.
'use strict';
const fs = require('fs');
const https = require('https');
const zlib = require('zlib');
const root = require('otlp-decoder/build/src/generated/root.js');
const Request = root.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;

const [cert, key, out] = process.argv.slice(2);
const sink = fs.createWriteStream(out);

function plain(value) {
  if (value.stringValue != null) return value.stringValue;
  if (value.boolValue != null) return value.boolValue;
  if (value.intValue != null) return Number(value.intValue);
  if (value.doubleValue != null) return value.doubleValue;
  return null;
}
const map = (attributes) => Object.fromEntries((attributes || []).map((a) => [a.key, plain(a.value)]));

https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, (req, res) => {
  const parts = [];
  req.on('data', (part) => parts.push(part));
  req.on('end', () => {
    try {
      if (req.method !== 'POST' || req.url !== '/v1/logs') throw new Error(`${req.method} ${req.url}`);
      if (req.headers['content-type'] !== 'application/x-protobuf') throw new Error(req.headers['content-type']);
      let body = Buffer.concat(parts);
      if (req.headers['content-encoding'] === 'gzip') body = zlib.gunzipSync(body);
      const request = Request.decode(body);
      const problem = Request.verify(request);
      if (problem) throw new Error(problem);
      for (const group of request.resourceLogs)
        for (const scope of group.scopeLogs)
          for (const record of scope.logRecords)
            sink.write(JSON.stringify({
              resource: map(group.resource.attributes),
              scope: scope.scope && scope.scope.name,
              event: record.eventName,
              severity: record.severityNumber,
              time: String(record.timeUnixNano),
              observed: String(record.observedTimeUnixNano),
              body: plain(record.body),
              attributes: map(record.attributes),
            }) + '\n');
      res.writeHead(200, { 'content-type': 'application/x-protobuf' });
      res.end();
    } catch (error) {
      sink.write(JSON.stringify({ error: String(error) }) + '\n');
      res.writeHead(400);
      res.end(String(error));
    }
  });
}).listen(0, '127.0.0.1', function () { console.log(`port ${this.address().port}`); });
