-- Asks Sallyport about a request: /etc/haproxy/sallyport.lua
--
-- http-request lua.sallyport <URL of Sallyport's /oauth2/auth>

-- What Sallyport decides by, beside method and URL.
local told = {
  "host", "cookie", "accept", "accept-language", "user-agent", "origin", "upgrade", "sec-websocket-key",
  "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-site", "sec-purpose", "x-requested-with", "access-control-request-method",
  "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id", "traceparent",
}

-- The app's header and Sallyport's answer that fills it.
local identity = {
  ["x-forwarded-user"] = "x-auth-request-user",
  ["x-forwarded-email"] = "x-auth-request-email",
  ["x-forwarded-groups"] = "x-auth-request-groups",
  ["x-forwarded-preferred-username"] = "x-auth-request-preferred-username",
  ["x-forwarded-access-token"] = "x-auth-request-access-token",
  ["x-sallyport-assertion"] = "x-sallyport-assertion",
}

-- HAProxy numbers the values of a header from 0.
local function list(values)
  local all, i = {}, 0
  while values and values[i] do
    all[#all + 1] = values[i]
    i = i + 1
  end
  return all
end

local function question(txn)
  local sent, headers = txn.http:req_get_headers(), {}
  for _, name in ipairs(told) do
    if sent[name] then headers[name] = list(sent[name]) end
  end
  headers["x-forwarded-method"] = { txn.f:method() }
  headers["x-forwarded-uri"] = { txn.f:pathq() }
  return headers
end

-- The answer to whoever is not let through is Sallyport's own: the way to the
-- sign-in for a person, an error in JSON for a script.
local function refuse(txn, response)
  local reply = txn:reply({ status = response.status, body = response.body })
  for name, values in pairs(response.headers) do
    if name ~= "content-length" and name ~= "transfer-encoding" and name ~= "connection" then
      for _, value in ipairs(list(values)) do reply:add_header(name, value) end
    end
  end
  txn:done(reply)
end

-- others are the cookies of a request without Sallyport's (SALLYPORT_COOKIE_NAME):
-- the app has no use for them, and could act as the person with them.
local function others(cookies)
  local kept = {}
  for pair in cookies:gmatch("[^;]+") do
    pair = pair:match("^%s*(.-)%s*$")
    local name = pair:lower():gsub("^[=%s]+", ""):gsub("^__[%a-]-%-sallyport", "sallyport")
    if pair ~= "" and not name:find("^sallyport") then kept[#kept + 1] = pair end
  end
  return table.concat(kept, "; ")
end

local function without_own(txn)
  local sent = list(txn.http:req_get_headers()["cookie"])
  txn.http:req_del_header("cookie")
  local kept = others(table.concat(sent, "; "))
  if kept ~= "" then txn.http:req_set_header("cookie", kept) end
end

core.register_action("sallyport", { "http-req" }, function(txn, url)
  local response = core.httpclient():get({ url = url .. "?redirect=true", headers = question(txn), timeout = 10000 })
  if not response or not response.status or response.status < 200 then
    txn:done(txn:reply({ status = 503, body = "Sallyport does not answer.\n" }))
    return
  end
  if response.status ~= 200 then
    refuse(txn, response)
    return
  end
  for ours, theirs in pairs(identity) do
    local value = list(response.headers[theirs])[1]
    if value and value ~= "" then
      txn.http:req_set_header(ours, value)
    else
      txn.http:req_del_header(ours)
    end
  end
  without_own(txn)
  for _, part in ipairs({ "0", "1" }) do
    local cookie = list(response.headers["x-sallyport-set-cookie-" .. part])[1]
    if cookie and cookie ~= "" then txn:set_var("txn.sallyport_cookie_" .. part, cookie) end
  end
end, 1)
