-- SPDX-License-Identifier: GPL-2.0-or-later
-- Whatever the message: nothing happens to it (an exempt client, or monitor mode).
dofile(dir .. "/session.lua")

local conn = session()
equals("one field over its limit", SMFIR_ACCEPT, header(conn, { { "X-Long", text(500) } }))
equals("many fields", SMFIR_ACCEPT,
	header(conn, { { "A", "" }, { "A", "" }, { "A", "" }, { "A", "" }, { "A", "" }, { "A", "" }, { "A", "" } }))
mt.disconnect(conn)
