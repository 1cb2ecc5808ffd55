-- Asks session-gateway before a request goes to an app, for HAProxy 2.6 and newer.
--
-- http-request lua.ask_gateway ADDRESS HOST
--   ADDRESS: where the gateway listens, host:port. HOST: the app's host as the gateway's configuration names it.
-- On 200 the variable txn.gateway_admits is "yes", the variables txn.gateway_user, _user_id and _omitted hold the values for the app, and the
-- gateway's cookies are removed from the request. Any other answer goes to the client unchanged. The configuration must refuse every
-- request without txn.gateway_admits after this action, because HAProxy continues with a request after an error in a script.

local ANSWER_MILLISECONDS = 10000 -- longer than the gateway ever waits for Okta

-- The fields that the decision needs. No body, and no field that is only about this connection.
local ASKED = {
    "accept", "accept-language", "access-control-request-method", "cookie", "origin", "purpose", "referer", "sec-fetch-dest",
    "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user", "sec-purpose", "sec-websocket-key", "sec-websocket-version", "user-agent", "x-requested-with",
}

-- Fields of the gateway's answer that are not passed on: they belong to its connection, or HAProxy writes its own.
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
    if fields["cookie"] then -- HTTP/2 may split it
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
