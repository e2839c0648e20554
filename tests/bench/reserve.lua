-- Reserves a place for another person each time, in a random slot of SLOTS.
local slots = tonumber(os.getenv("SLOTS"))
local person = tonumber(os.getenv("FIRST"))
local headers = { ["Content-Type"] = "application/json" }
math.randomseed(os.time())

request = function()
  person = person + 1
  local path = string.format("/v1/slots/00000000-0000-7000-8000-0001%08x/reserve", math.random(1, slots))
  local body = string.format('{"participantId":"00000000-0000-7000-8000-0002%08x"}', person)
  return wrk.format("POST", path, headers, body)
end

done = function(summary, latency, _)
  io.write(string.format("RESULT %.1f %.3f %.3f %d %d\n", summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
