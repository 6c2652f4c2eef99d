-- A client of distributed-chat that never pauses: on each connection it pings, sends and pulls in turn, as wrk's thread says, and counts what it
-- is answered. Writes how many of each were asked for and answered, and how many answers were other than they should be.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

function init()
  chat, asked, sent, stored, pings, pages, wrong, first_wrong = "wrk" .. number .. ":all", 0, 0, 0, 0, 0, 0, ""
end

local json = { ["Content-Type"] = "application/json" }

function request()
  asked = asked + 1
  if asked % 3 == 0 then
    return wrk.format("GET", "/ping")
  elseif asked % 3 == 1 then
    sent = sent + 1
    local text = number .. "." .. sent
    return wrk.format("POST", "/api/send", json, '{"chat":"' .. chat .. '","sender":"wrk' .. number .. '","text":"' .. text .. '"}')
  end
  return wrk.format("GET", "/api/pull?chat=" .. chat .. "&limit=5&reverse=true")
end

-- Answers don't say what they answer: they are told apart by what they are.
function response(status, headers, body)
  if status == 201 and body == "ok" then
    stored = stored + 1
  elseif status == 200 and body == '{"message":"pong"}' then
    pings = pings + 1
  elseif status == 200 and (body == "{}" or body:match('^{"messages":%[{"chat":"' .. chat .. '","text":"' .. number .. '%.%d+"')) then
    pages = pages + 1
  else
    wrong, first_wrong = wrong + 1, status .. " " .. body
  end
end

function done(summary)
  local total = { sent = 0, stored = 0, pings = 0, pages = 0, wrong = 0 }
  for _, thread in ipairs(threads) do
    for name, count in pairs(total) do
      total[name] = count + thread:get(name)
    end
    if thread:get("first_wrong") ~= "" then
      io.stderr:write(thread:get("first_wrong"), "\n")
    end
  end
  local broken = summary.errors.connect + summary.errors.read + summary.errors.write
  io.write(string.format('\n{"sent":%d,"stored":%d,"pings":%d,"pages":%d,"wrong":%d,"broken":%d}\n',
    total.sent, total.stored, total.pings, total.pages, total.wrong, broken))
end
