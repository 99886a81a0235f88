-- What wrk does not print by itself: every figure on one line of JSON (Load in bench/result.ts).
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'REPORT {"seconds":%f,"requests":%d,"failed":%d,"bytes":null,'
      .. '"latency":{"p50Ms":%f,"p99Ms":%f,"p999Ms":%f}}\n',
    summary.duration / 1e6,
    summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    latency:percentile(99.9) / 1e3
  ))
end
