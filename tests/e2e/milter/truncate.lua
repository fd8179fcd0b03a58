-- SPDX-License-Identifier: GPL-2.0-or-later
-- header_size_limit = 100, truncate: the field over its limit is cut, those within are not, on one connection after the other.
dofile(dir .. "/session.lua")

local conn = session()
equals("a message within the limit", SMFIR_ACCEPT, header(conn, { { "X-Long", text(92) }, { "X-Short", "" } }))
equals("one byte over", SMFIR_CONTINUE, header(conn, { { "X-Long", text(92) }, { "X-long", text(93) } }))
equals("the end", SMFIR_ACCEPT, finish(conn))
changed(conn, "X-long", " " .. text(92))
equals("folded", SMFIR_CONTINUE, header(conn, { { "X-Fold", text(85) .. "\n\t" .. text(50) } }))
equals("the end", SMFIR_ACCEPT, finish(conn))
changed(conn, "X-Fold", " " .. text(85))
equals("and the next message", SMFIR_ACCEPT, header(conn, { { "Subject", "x" } }))
mt.disconnect(conn)

-- A server that eats the blank behind the colon, and wants an answer to each field.
conn = session(SMFIF_CHGHDRS)
must("MAIL", mt.mailfrom(conn, "sender@example.org"))
equals("answer to MAIL", SMFIR_CONTINUE, mt.getreply(conn))
must("header field", mt.header(conn, "X-Long", text(93)))
equals("answer to a header field", SMFIR_CONTINUE, mt.getreply(conn))
must("end of the header", mt.eoh(conn))
equals("end of the header", SMFIR_CONTINUE, mt.getreply(conn))
equals("the end", SMFIR_ACCEPT, finish(conn))
changed(conn, "X-Long", text(92))
mt.disconnect(conn)

-- Cut off in the middle of a message, and a message given up: the next begins anew.
conn = session()
must("MAIL", mt.mailfrom(conn, "sender@example.org"))
must("header field", mt.header(conn, "X-Long", text(500)))
mt.disconnect(conn, false)
conn = session()
must("MAIL", mt.mailfrom(conn, "sender@example.org"))
must("header field", mt.header(conn, "X-Long", text(500)))
must("abort", mt.abort(conn))
equals("after an abort", SMFIR_ACCEPT, header(conn, { { "Subject", "x" } }))
mt.disconnect(conn)
