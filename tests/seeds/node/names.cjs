// Names under .localhost are this machine, as in browsers (RFC 6761 §6.3); not every resolver knows that.
const dns = require('node:dns');

const real = dns.lookup;
dns.lookup = (name, options, done) => {
  const asked = typeof options === 'function' ? {} : options;
  const told = typeof options === 'function' ? options : done;
  if (typeof name !== 'string' || !name.endsWith('.localhost')) return real(name, options, done);
  return process.nextTick(() => (asked.all ? told(null, [{ address: '127.0.0.1', family: 4 }]) : told(null, '127.0.0.1', 4)));
};
