// The script of the sign-in page. It keeps no password and no token. Like Okta's Sign-In Widget it uses, on Classic Engine, POST /api/v1/authn
// and then a form to /login/sessionCookieRedirect with the session token; on Identity Engine /idp/idx/identify and the steps that its answers
// name, then the address of `success`.
const form = document.forms[0], problem = document.querySelector("[role=alert]"), fields = form.elements
const value = name => fields[name] ? fields[name].value : ""
const say = text => { problem.textContent = text; problem.hidden = !text }
const ask = async (path, body) => {
  const answer = await fetch(path, {
    method: "POST", credentials: "include", body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", Accept: form.dataset.engine == "identity"
      ? "application/ion+json; okta-version=1.0.0" : "application/json" },
  })
  return { ok: answer.ok, body: await answer.json().catch(() => ({})) }
}
const path = href => new URL(href, location.href).pathname
const pause = () => new Promise(done => setTimeout(done, 500))
let state = null, factor = null
const show = (name, label, type) => {
  for (const each of form.querySelectorAll("label")) each.hidden = each.dataset.name != name
  fields[name].closest("label").firstChild.textContent = label
  fields[name].type = type; fields[name].required = true; fields[name].value = ""; fields[name].focus()
}
const redeem = token => {
  const sent = document.createElement("form")
  sent.method = "post"; sent.action = "/login/sessionCookieRedirect"
  for (const [name, text] of Object.entries({ token, redirectUrl: value("fromURI"), repost: "true" })) {
    const input = document.createElement("input"); input.type = "hidden"; input.name = name; input.value = text; sent.append(input)
  }
  document.body.append(sent); sent.submit()
}
const classic = async answer => {
  const told = answer.body
  const summary = told.errorCode == "E0000004" ? "Unable to sign in" : told.errorSummary
  if (!answer.ok) return say(told.errorCauses?.[0]?.errorSummary || summary)
  state = told; say("")
  if (told.status == "SUCCESS" && told.sessionToken) return redeem(told.sessionToken)
  if (told.status == "SUCCESS") return location.assign(told._links.next.href)
  if (told.status == "LOCKED_OUT") return say("Your account is locked.")
  if (told.status == "PASSWORD_EXPIRED") return show("newPassword", "New password", "password")
  if (told.status == "MFA_CHALLENGE" && told.factorResult == "WAITING") {
    say("Approve the sign-in on your phone."); await pause()
    return classic(await ask(path(told._links.next.href), { stateToken: told.stateToken }))
  }
  if (told.status == "MFA_CHALLENGE") return say("The sign-in was not approved.")
  factor = told._embedded.factors[0]
  if (factor.factorType != "push") return show("passCode", "Code", "text")
  return classic(await ask(path(factor._links.verify.href), { stateToken: told.stateToken }))
}
const classicStep = () => {
  const token = { stateToken: state ? state.stateToken : value("stateToken") || undefined }
  if (state?.status == "MFA_REQUIRED") return ask(path(factor._links.verify.href), { ...token, passCode: value("passCode") })
  if (state?.status == "PASSWORD_EXPIRED")
    return ask(path(state._links.next.href), { ...token, oldPassword: value("password"), newPassword: value("newPassword") })
  return ask("/api/v1/authn", { ...token, username: value("username"), password: value("password") })
}
const identity = async answer => {
  const told = answer.body
  say(told.messages ? told.messages.value.map(each => each.message).join(" ") : answer.ok ? "" : told.errorSummary)
  if (told.success) return location.assign(told.success.href)
  const next = told.remediation?.value[0]
  if (!next) return
  state = { href: path(next.href), name: next.name, stateHandle: told.stateHandle }
  if (next.name == "challenge-authenticator") return show("passCode", "Code", "text")
  if (next.name == "challenge-poll") {
    say("Approve the sign-in on your phone."); await pause()
    return identity(await ask(state.href, { stateHandle: state.stateHandle }))
  }
  if (next.name == "select-authenticator-authenticate" && answer.ok) {
    const id = next.value[0].options[0].value.form.value[0].value
    return identity(await ask(state.href, { stateHandle: state.stateHandle, authenticator: { id } }))
  }
}
const identityStep = () => {
  const stateHandle = state ? state.stateHandle : value("stateHandle")
  if (state?.name == "challenge-authenticator") return ask(state.href, { stateHandle, credentials: { passcode: value("passCode") } })
  return ask("/idp/idx/identify", { stateHandle, identifier: value("username"), credentials: { passcode: value("password") } })
}
form.addEventListener("submit", async event => {
  event.preventDefault()
  const button = document.getElementById("sign-in"); button.disabled = true
  try {
    await (form.dataset.engine == "identity" ? identity(await identityStep()) : classic(await classicStep()))
  } catch (error) { say("Unable to sign in") }
  button.disabled = false
})
