-- SPDX-License-Identifier: GPL-2.0-or-later
-- header_size_limit = 100, reject; header_count_limit = 5; header_total_size_limit = 300.
dofile(dir .. "/session.lua")

local conn = session()
equals("one field over its limit", SMFIR_REPLYCODE, header(conn, { { "Subject", "x" }, { "X-Long", text(93) } }))
equals("just within all limits", SMFIR_ACCEPT,
	header(conn, { { "X-Long", text(92) }, { "X-Long", text(92) }, { "X-Long", text(86) },
		{ "A", "" }, { "B", "" } }))
equals("six fields", SMFIR_REPLYCODE, header(conn, { { "A", "" }, { "A", "" }, { "A", "" }, { "A", "" }, { "A", "" }, { "A", "" } }))
equals("303 bytes", SMFIR_REPLYCODE,
	header(conn, { { "X-Long", text(92) }, { "X-Long", text(92) }, { "X-Long", text(92) }, { "A", "" } }))
equals("and the next message", SMFIR_ACCEPT, header(conn, { { "Subject", "x" } }))
mt.disconnect(conn)
