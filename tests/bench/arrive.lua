-- Checks in the one person of another claim each time, as the desk whose token is TOKEN.
local claim = tonumber(os.getenv("FIRST"))
local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. os.getenv("TOKEN") }

request = function()
  claim = claim + 1
  local body = string.format(
    '{"kind":"attendance.arrive","args":{"reservation_id":"00000000-0000-7000-8000-0005%08x"}}', claim)
  return wrk.format("POST", "/v1/commands", headers, body)
end

done = function(summary, latency, _)
  io.write(string.format("RESULT %.1f %.3f %.3f %d %d\n", summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
