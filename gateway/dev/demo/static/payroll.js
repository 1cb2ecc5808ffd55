// The live parts of the page: a clock over a WebSocket, a stream of events, an upload that stays on the page.
(() => {
  "use strict";
  const socketLine = document.getElementById("socket");
  const eventsLine = document.getElementById("events");
  const told = ({ tick, at, user }) => `tick ${tick} at ${new Date(at).toLocaleTimeString()} for ${user ?? "nobody"}`;

  const address = new URL("/ws", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address);
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if ("tick" in message) socketLine.textContent = told(message);
  };
  socket.onclose = ({ code, reason }) => {
    socketLine.textContent = `closed (${code}${reason ? `, ${reason}` : ""})`;
  };

  const events = new EventSource("/events");
  events.onmessage = ({ data }) => {
    eventsLine.textContent = told(JSON.parse(data));
  };
  events.onerror = () => {
    eventsLine.textContent = events.readyState === EventSource.CLOSED ? "closed" : "interrupted, trying again";
  };

  const received = document.getElementById("received");
  document.getElementById("upload").addEventListener("submit", async (event) => {
    event.preventDefault();
    const file = document.getElementById("file").files[0];
    received.textContent = "sending…";
    try {
      const answer = await fetch("/upload", { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
      const { size, sha256 } = answer.ok ? await answer.json() : {};
      received.textContent = answer.ok ? `${size} bytes, SHA-256 ${sha256}` : `refused with ${answer.status}`;
    } catch {
      received.textContent = "the connection broke";
    }
  });
})();
