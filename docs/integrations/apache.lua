-- Asks Sallyport about a request: /etc/apache2/sallyport.lua
local sallyport = "http://127.0.0.1:4180"

local http = require "socket.http"
local ltn12 = require "ltn12"

http.TIMEOUT = 10

-- What Sallyport decides by, beside method and URL.
local told = {
  "Host", "Cookie", "Accept", "Accept-Language", "User-Agent", "Origin", "Upgrade", "Sec-WebSocket-Key",
  "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-Site", "Sec-Purpose", "X-Requested-With", "Access-Control-Request-Method",
}

-- The app's header and Sallyport's answer that fills it.
local identity = {
  ["X-Forwarded-User"] = "x-auth-request-user",
  ["X-Forwarded-Email"] = "x-auth-request-email",
  ["X-Forwarded-Groups"] = "x-auth-request-groups",
  ["X-Forwarded-Preferred-Username"] = "x-auth-request-preferred-username",
  ["X-Forwarded-Access-Token"] = "x-auth-request-access-token",
  ["X-Sallyport-Assertion"] = "x-sallyport-assertion",
}

local managed_names = {
  forwarded = true, remoteuser = true, remotegroups = true, remoteemail = true, remotename = true, xuser = true,
  xrealip = true, xrewriteurl = true, xmethodoverride = true, httpmethodoverride = true, proxy = true,
}
local managed_families = {
  "^xforwarded", "^xauthrequest", "^xsallyport", "^xoriginal", "^xremote", "^xwebauth", "^xhttpmethod",
}

-- managed tells a name that a client must not send, in whatever spelling has the
-- same letters and digits: some apps read them all alike.
local function managed(name)
  local folded = name:lower():gsub("[^a-z0-9]", "")
  if managed_names[folded] then return true end
  for _, family in ipairs(managed_families) do
    if folded:find(family) then return true end
  end
  return false
end

-- connection leaves of a client's Connection field what concerns the connection. Apache
-- takes away every header that it names, ours included.
local function connection(value)
  local kept = {}
  for token in value:gmatch("[^,%s]+") do
    local known = token:lower()
    if known == "close" or known == "keep-alive" or known == "upgrade" then kept[#kept + 1] = token end
  end
  if #kept == 0 then return nil end
  return table.concat(kept, ", ")
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

local function question(r)
  local headers = {
    ["Connection"] = "close",
    ["X-Forwarded-Method"] = r.method,
    ["X-Forwarded-Uri"] = r.unparsed_uri,
    ["X-Forwarded-Proto"] = "https",
    ["X-Forwarded-Host"] = r.headers_in["Host"],
    ["X-Forwarded-For"] = r.useragent_ip,
  }
  for _, name in ipairs(told) do headers[name] = r.headers_in[name] end
  return headers
end

-- refuse gives Sallyport's own answer: the way to the sign-in for a person, an
-- error in JSON for a script.
local function refuse(r, status, headers, body)
  r.status = status
  for name, value in pairs(headers) do
    if name == "content-type" then
      r.content_type = value
    elseif name ~= "content-length" and name ~= "transfer-encoding" and name ~= "connection" and name ~= "date" then
      r.err_headers_out[name] = value
    end
  end
  r:write(body)
  return apache2.DONE
end

-- check is Apache's access checker. What ProxyPass hands to Sallyport, Sallyport
-- itself judges.
function check(r)
  local forged = {}
  for name in pairs(r:headers_in_table()) do
    if managed(name) then forged[#forged + 1] = name end
  end
  for _, name in ipairs(forged) do r.headers_in[name] = nil end
  if r.headers_in["Connection"] then r.headers_in["Connection"] = connection(r.headers_in["Connection"]) end
  r.headers_in["X-Forwarded-Proto"] = "https"
  -- Not by the path: /oauth2/../x begins like one of Sallyport's and is the app's.
  if r.filename:find("proxy:" .. sallyport .. "/", 1, true) == 1 then return apache2.DECLINED end

  local body = {}
  local ok, status, headers = http.request({
    url = sallyport .. "/oauth2/auth?redirect=true",
    headers = question(r), redirect = false, sink = ltn12.sink.table(body),
  })
  if not ok then
    r:err("Sallyport does not answer: " .. tostring(status))
    return 503
  end
  if status ~= 200 then return refuse(r, status, headers, table.concat(body)) end
  for ours, theirs in pairs(identity) do
    local value = headers[theirs]
    if value == "" then value = nil end
    r.headers_in[ours] = value
  end
  local cookies = others(r.headers_in["Cookie"] or "")
  r.headers_in["Cookie"] = cookies ~= "" and cookies or nil
  -- The cookies that Sallyport renews, for apache.conf.
  for _, part in ipairs({ "0", "1" }) do
    local cookie = headers["x-sallyport-set-cookie-" .. part]
    if cookie and cookie ~= "" then r.subprocess_env["sallyport_cookie_" .. part] = cookie end
  end
  return apache2.DECLINED
end
