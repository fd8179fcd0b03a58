-- SPDX-License-Identifier: GPL-2.0-or-later
-- For the picture of the panels: header_size_limit = 100, header_count_limit = 5; most messages keep within them.
dofile(dir .. "/session.lua")

local conn = session()
for _ = 1, 6 do
	equals("a message within the limits", SMFIR_ACCEPT, header(conn, { { "Subject", "x" }, { "X-Long", text(60) } }))
end
for _ = 1, 2 do
	equals("a field over its limit", SMFIR_CONTINUE, header(conn, { { "X-Long", text(200) } }))
	equals("the end", SMFIR_ACCEPT, finish(conn))
end
equals("six fields", SMFIR_REPLYCODE, header(conn, { { "A", "" }, { "A", "" }, { "A", "" }, { "A", "" }, { "A", "" }, { "A", "" } }))
mt.disconnect(conn)
