-- an epoch, the writer, '' or 'if absent', key and bytes of FORGOTTEN_PART, then for each part: kind, key, bytes, ms, age in ms, bounds.
--
-- → how many entries were dropped before their end, and the age in ms of the newest dropped revocation, or -1.
return publish(6)
