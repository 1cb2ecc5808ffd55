-- Asks session-gateway before a request goes to an app, for HAProxy 2.6 and newer.
--
-- http-request lua.ask_gateway ADDRESS HOST
--   ADDRESS: where the gateway listens, host:port. HOST: the app's host as the gateway's configuration names it.
-- On 200 the variable txn.gateway_admits is "yes", txn.gateway_user, _user_id and _omitted hold what the app is told, and the gateway's
-- cookies are out of the request. Any other answer is the client's answer, as it came. The configuration must refuse whatever
-- comes behind this action without the variable: an error in a script lets a request go on.

local ANSWER_MILLISECONDS = 10000 -- the gateway answers sooner, whatever Okta does

-- What the decision depends on; never a body, never what only this connection means.
local ASKED = {
    "accept", "accept-language", "access-control-request-method", "cookie", "origin", "purpose", "referer", "sec-fetch-dest",
    "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user", "sec-purpose", "sec-websocket-key", "sec-websocket-version", "user-agent", "x-requested-with",
}

-- Of the gateway's answer: these belong to its connection, or are written anew.
local NOT_RELAYED = { connection = true, ["content-length"] = true, ["keep-alive"] = true, ["transfer-encoding"] = true }

local function first(fields, name)
    local values = fields and fields[name]
    return values and (values[0] or values[1]) or ""
end

local function listed(values)
    local list, at = {}, values[0] ~= nil and 0 or 1
    while values[at] ~= nil do
        list[#list + 1] = values[at]
        at = at + 1
    end
    return list
end

local function question(txn, host)
    local received, fields = txn.http:req_get_headers(), {}
    for _, name in ipairs(ASKED) do
        if received[name] then
            fields[name] = listed(received[name])
        end
    end
    if fields["cookie"] then -- HTTP/2 may bring it in pieces
        fields["cookie"] = { table.concat(fields["cookie"], "; ") }
    end
    fields["host"] = { host }
    fields["x-forwarded-for"] = { txn.sf:src() }
    fields["x-forwarded-proto"] = { "https" }
    fields["x-forwarded-host"] = { host }
    fields["x-original-method"] = { txn.sf:method() }
    fields["x-original-url"] = { "https://" .. host .. txn.sf:pathq() }
    return fields
end

local function strip_own_cookies(txn)
    local received = txn.http:req_get_headers()["cookie"]
    if not received then
        return
    end
    local kept = {}
    for _, value in ipairs(listed(received)) do
        for pair in value:gmatch("[^;]+") do
            if not pair:match("^%s*__Host%-gateway[%a-]*=") then
                kept[#kept + 1] = pair:gsub("^%s+", "")
            end
        end
    end
    txn.http:req_del_header("cookie")
    if #kept > 0 then
        txn.http:req_set_header("cookie", table.concat(kept, "; "))
    end
end

local function relay(txn, answer)
    local reply = txn:reply()
    reply:set_status(answer.status)
    for name, values in pairs(answer.headers or {}) do
        if not NOT_RELAYED[name:lower()] then
            for _, value in ipairs(listed(values)) do
                reply:add_header(name, value)
            end
        end
    end
    reply:set_body(answer.body or "")
    txn:done(reply)
end

local function unavailable(txn)
    local reply = txn:reply()
    reply:set_status(503)
    reply:add_header("content-type", "text/plain")
    reply:add_header("cache-control", "no-store")
    reply:add_header("retry-after", "2")
    reply:set_body("It cannot be confirmed who is signed in. Try again in a moment.\n")
    txn:done(reply)
end

core.register_action("ask_gateway", { "http-req" }, function(txn, address, host)
    local url = "http://" .. address .. "/.gateway/auth/haproxy"
    local answer = core.httpclient():get { url = url, headers = question(txn, host), timeout = ANSWER_MILLISECONDS }
    local status = answer and answer.status or 0
    if status == 200 then
        txn:set_var("txn.gateway_user", first(answer.headers, "remote-user"))
        txn:set_var("txn.gateway_user_id", first(answer.headers, "remote-user-id"))
        txn:set_var("txn.gateway_omitted", first(answer.headers, "x-gateway-omitted"))
        strip_own_cookies(txn)
        txn:set_var("txn.gateway_admits", "yes")
    elseif status >= 300 and status < 500 then
        relay(txn, answer)
    else
        unavailable(txn)
    end
end, 2)
